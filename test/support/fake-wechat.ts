import { sign, verifySign } from "../../src/wechat/v2/sign.ts";
import { readXml, writeXml } from "../../src/wechat/v2/xml.ts";
import type { V2SignType } from "../../src/wechat/types.ts";
import {
  isAuthentic,
  readV3Request,
  writeV3Response,
  type LedgerCall,
  type WechatRequest,
} from "./fake-wechat-v3.ts";
import type { Fault } from "./faults.ts";
import type { Shop } from "./shop.ts";
import {
  refusal,
  WECHAT_CALLS,
  wechatNumber,
  type FakeOrder,
  type FakeRefund,
  type Fields,
  type WechatPath,
} from "./wechat-ledger.ts";

export interface WechatCall {
  readonly path: WechatPath;
  readonly fields: Fields;
}

/**
 * A WeChat with a ledger of its own that enforces WeChat's rules. It exists beside the sandbox
 * because it runs inside the test's isolate: it reads the stopped clock, fails at exact points and
 * lets a test hold a call open, none of which a separate Worker can do.
 */
export class FakeWechat {
  readonly calls: WechatCall[] = [];
  readonly orders = new Map<string, FakeOrder>();
  readonly refunds = new Map<string, FakeRefund>();
  readonly #keys = new Map<string, string>();
  readonly #faults = new Map<WechatPath, Fault[]>();

  /** Registers the shop's merchant. */
  addMerchant(shop: Pick<Shop, "mchId" | "apiKey">): void {
    this.#keys.set(shop.mchId, shop.apiKey);
  }

  /** Sets the faults of the next calls to this path, one per call. */
  fail(path: WechatPath, ...faults: Fault[]): void {
    this.#faults.set(path, [...(this.#faults.get(path) ?? []), ...faults]);
  }

  /** The fields of the calls to this path so far. */
  callsOf(path: WechatPath): Fields[] {
    return this.calls.filter((call) => call.path === path).map((call) => call.fields);
  }

  /** The payer pays. */
  pay(number: string): FakeOrder {
    const order = this.order(number);
    order.state = "SUCCESS";
    order.transactionId ||= wechatNumber("42");
    return order;
  }

  /** The order in WeChat's ledger. */
  order(number: string): FakeOrder {
    const order = this.orders.get(number);
    if (order === undefined) throw new Error("the fake WeChat has no such order");
    return order;
  }

  /** The refund in WeChat's ledger. */
  refund(refundNo: string): FakeRefund {
    const refund = this.refunds.get(refundNo);
    if (refund === undefined) throw new Error("the fake WeChat has no such refund");
    return refund;
  }

  /** Answers a request as WeChat would, or with the next fault. */
  async receive(request: WechatRequest): Promise<Response> {
    const received = request.path.startsWith("/v3/") ? readV3(this, request) : readV2(request);
    if (received === null) return new Response("no such call", { status: 404 });
    const { path, fields } = received.call;
    this.calls.push({ path, fields });
    const fault = this.#faults.get(path)?.shift();
    if (fault?.acts === false) await fault.gate;
    const apiKey = this.#keys.get(fields["mch_id"] ?? "");
    const write = apiKey === undefined ? null : await received.authenticate(apiKey);
    if (write === null) return received.failWith("签名错误");
    const outcome = fault?.acts === false ? {} : WECHAT_CALLS[path](this, fields);
    if (fault?.acts === true) await fault.gate;
    switch (fault?.how) {
      case undefined:
      case "honest":
        return await write(
          fault?.acts === false ? WECHAT_CALLS[path](this, fields) : outcome,
          true,
        );
      case "reject":
        throw new TypeError("Network connection lost.");
      case "http 500":
        return new Response("<html>oops</html>", { status: 500 });
      case "wrong signature":
        return await write(outcome, false);
      case "error":
        return await write(refusal(fault.code, fault.message), true);
      case "fail":
        return received.failWith(fault.message);
    }
  }
}

/** Writes the response in the request's protocol, with a valid or an invalid signature. */
type WriteResponse = (outcome: Fields, valid: boolean) => Promise<Response>;

/** A request of either protocol. */
interface ReceivedRequest {
  readonly call: LedgerCall;
  /** Checks the signature; returns the function that writes the response, or null if invalid. */
  readonly authenticate: (apiKey: string) => Promise<WriteResponse | null>;
  /** An unsigned refusal, as for a request with an invalid signature. */
  readonly failWith: (message: string) => Response;
}

function readV2({ path, body }: WechatRequest): ReceivedRequest | null {
  if (!isKnown(path)) return null;
  const read = readXml(body);
  if (!read.ok) throw new Error(`the gateway wrote XML that can't be read: ${read.error}`);
  const fields = Object.fromEntries(read.value);
  const authenticate = async (apiKey: string): Promise<WriteResponse | null> => {
    const signType = await verifySign(read.value, apiKey);
    if (signType === null) return null;
    return async (outcome, valid) => {
      const key = valid ? apiKey : "x";
      return new Response(await signed({ ...identity(fields), ...outcome }, key, signType));
    };
  };
  return { call: { path, fields }, authenticate, failWith: unsignedFail };
}

function readV3(ledger: FakeWechat, request: WechatRequest): ReceivedRequest | null {
  const call = readV3Request(request);
  if (call === null) return null;
  return {
    call,
    authenticate: async () =>
      isAuthentic(request)
        ? async (outcome, valid) => writeV3Response(ledger, call, outcome, valid)
        : null,
    failWith: (message) => Response.json({ code: "SIGN_ERROR", message }, { status: 401 }),
  };
}

function isKnown(path: string): path is WechatPath {
  return Object.hasOwn(WECHAT_CALLS, path);
}

function identity(request: Fields): Fields {
  return {
    return_code: "SUCCESS",
    return_msg: "OK",
    appid: request["appid"] ?? "",
    mch_id: request["mch_id"] ?? "",
    nonce_str: "5d2b6c2a8db53831f7eda20af46e531c",
    result_code: "SUCCESS",
  };
}

function unsignedFail(message: string): Response {
  return new Response(xmlOf({ return_code: "FAIL", return_msg: message }));
}

async function signed(fields: Fields, apiKey: string, signType: V2SignType): Promise<string> {
  return xmlOf({ ...fields, sign: await sign(new Map(Object.entries(fields)), apiKey, signType) });
}

function xmlOf(fields: Fields): string {
  const xml = writeXml(new Map(Object.entries(fields)));
  if (!xml.ok) throw new Error(`XML can't be written: ${xml.error}`);
  return xml.value;
}
