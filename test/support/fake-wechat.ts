import { sign, verifySign } from "../../src/wechat/v2/sign.ts";
import { readXml, writeXml } from "../../src/wechat/v2/xml.ts";
import type { V2SignType } from "../../src/wechat/types.ts";
import { isAuthentic, readV3, replyV3, type Asked, type Request } from "./fake-v3.ts";
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

/** A WeChat that keeps its own books, enforces its own rules and fails when it is told to. */
export class FakeWechat {
  readonly calls: WechatCall[] = [];
  readonly orders = new Map<string, FakeOrder>();
  readonly refunds = new Map<string, FakeRefund>();
  readonly #keys = new Map<string, string>();
  readonly #faults = new Map<WechatPath, Fault[]>();

  /** Opens an account for the shop's merchant. */
  admit(shop: Pick<Shop, "mchId" | "apiKey">): void {
    this.#keys.set(shop.mchId, shop.apiKey);
  }

  /** What goes wrong with the next calls of this path, one fault a call. */
  fail(path: WechatPath, ...faults: Fault[]): void {
    this.#faults.set(path, [...(this.#faults.get(path) ?? []), ...faults]);
  }

  /** The calls made on this path so far. */
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

  /** The order as WeChat has it. */
  order(number: string): FakeOrder {
    const order = this.orders.get(number);
    if (order === undefined) throw new Error("the fake WeChat has no such order");
    return order;
  }

  /** The refund as WeChat has it. */
  refund(refundNo: string): FakeRefund {
    const refund = this.refunds.get(refundNo);
    if (refund === undefined) throw new Error("the fake WeChat has no such refund");
    return refund;
  }

  /** Answers one request as WeChat would, or as the next fault wants it. */
  async answer(request: Request): Promise<Response> {
    const dialect = request.path.startsWith("/v3/") ? v3Of(this, request) : v2Of(request);
    if (dialect === null) return new Response("no such call", { status: 404 });
    const { path, fields } = dialect.asked;
    this.calls.push({ path, fields });
    const fault = this.#faults.get(path)?.shift();
    if (fault?.acts === false) await fault.gate;
    const apiKey = this.#keys.get(fields["mch_id"] ?? "");
    const reply = apiKey === undefined ? null : await dialect.admit(apiKey);
    if (reply === null) return dialect.fail("签名错误");
    const honest = fault?.acts === false ? {} : WECHAT_CALLS[path](this, fields);
    if (fault?.acts === true) await fault.gate;
    switch (fault?.how) {
      case undefined:
      case "honest":
        return await reply(fault?.acts === false ? WECHAT_CALLS[path](this, fields) : honest, true);
      case "reject":
        throw new TypeError("Network connection lost.");
      case "http 500":
        return new Response("<html>oops</html>", { status: 500 });
      case "wrong signature":
        return await reply(honest, false);
      case "error":
        return await reply(refusal(fault.code, fault.message), true);
      case "fail":
        return dialect.fail(fault.message);
    }
  }
}

/** Writes an answer; `rightly` false: with a wrong signature. */
type Reply = (outcome: Fields, rightly: boolean) => Promise<Response>;

/** One of WeChat's protocols. */
interface Dialect {
  readonly asked: Asked;
  /** How the request is answered, or null when it is not rightly signed. */
  readonly admit: (apiKey: string) => Promise<Reply | null>;
  /** A refusal by WeChat's outer gate. */
  readonly fail: (message: string) => Response;
}

function v2Of({ path, body }: Request): Dialect | null {
  if (!isKnown(path)) return null;
  const read = readXml(body);
  if (!read.ok) throw new Error(`the gateway wrote XML that can't be read: ${read.error}`);
  const fields = Object.fromEntries(read.value);
  const admit = async (apiKey: string): Promise<Reply | null> => {
    const signType = await verifySign(read.value, apiKey);
    if (signType === null) return null;
    return async (outcome, rightly) => {
      const key = rightly ? apiKey : "x";
      return new Response(await signed({ ...identity(fields), ...outcome }, key, signType));
    };
  };
  return { asked: { path, fields }, admit, fail: unsignedFail };
}

function v3Of(ledger: FakeWechat, request: Request): Dialect | null {
  const asked = readV3(request);
  if (asked === null) return null;
  return {
    asked,
    admit: async () =>
      isAuthentic(request)
        ? async (outcome, rightly) => replyV3(ledger, asked, outcome, rightly)
        : null,
    fail: (message) => Response.json({ code: "SIGN_ERROR", message }, { status: 401 }),
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
  if (!xml.ok) throw new Error(`not writable: ${xml.error}`);
  return xml.value;
}
