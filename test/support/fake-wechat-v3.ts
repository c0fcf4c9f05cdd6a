import { verify } from "node:crypto";
import { z } from "zod";
import { keys } from "../wechat/v3/support/fixtures.ts";
import { signedHeaders } from "../wechat/v3/support/messages.ts";
import type { Fields, Ledger, WechatPath } from "./wechat-ledger.ts";

/*
 * APIv3's form of the fake WeChat: converts requests and responses from and to the fields of the
 * ledger, which are APIv2's.
 */

/** A raw request to WeChat. */
export interface WechatRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** A request of either protocol, as a call of the ledger. */
export interface LedgerCall {
  readonly path: WechatPath;
  readonly fields: Fields;
}

const order = z.strictObject({
  appid: z.string(),
  mchid: z.string(),
  description: z.string(),
  out_trade_no: z.string(),
  attach: z.string().min(1).optional(),
  notify_url: z.string(),
  goods_tag: z.string().min(1).optional(),
  amount: z.strictObject({ total: z.int(), currency: z.literal("CNY") }),
  payer: z.strictObject({ openid: z.string() }),
  scene_info: z.strictObject({ payer_client_ip: z.string() }),
});

const refund = z.strictObject({
  out_trade_no: z.string(),
  out_refund_no: z.string(),
  reason: z.string().min(1).optional(),
  notify_url: z.string(),
  funds_account: z.literal("AVAILABLE").optional(),
  amount: z.strictObject({ refund: z.int(), total: z.int(), currency: z.literal("CNY") }),
});

/** Reads a request; null if WeChat has no such call. Throws on an undocumented field. */
export function readV3Request(request: WechatRequest): LedgerCall | null {
  const { pathname, searchParams } = new URL(request.path, "https://wechat.test");
  const mch_id = authorizationOf(request)["mchid"] ?? "";
  const [, orderNumber = "", close] =
    /^\/v3\/pay\/transactions\/out-trade-no\/([^/]+)(\/close)?$/.exec(pathname) ?? [];
  const [, transactionId = ""] = /^\/v3\/pay\/transactions\/id\/([^/]+)$/.exec(pathname) ?? [];
  const [, refundNo = ""] = /^\/v3\/refund\/domestic\/refunds\/([^/]+)$/.exec(pathname) ?? [];
  switch (`${request.method} ${pathname}`) {
    case "POST /v3/pay/transactions/jsapi": {
      const input = order.parse(JSON.parse(request.body));
      const { attach = "", goods_tag = "" } = input;
      const fields = {
        appid: input.appid,
        mch_id: input.mchid,
        body: input.description,
        out_trade_no: input.out_trade_no,
        total_fee: String(input.amount.total),
        spbill_create_ip: input.scene_info.payer_client_ip,
        notify_url: input.notify_url,
        trade_type: "JSAPI",
        openid: input.payer.openid,
        ...(goods_tag !== "" && { goods_tag }),
        ...(attach !== "" && { attach }),
      };
      return { path: "/pay/unifiedorder", fields };
    }
    case `GET /v3/pay/transactions/out-trade-no/${orderNumber}`:
      if (searchParams.get("mchid") !== mch_id) return null;
      return { path: "/pay/orderquery", fields: { mch_id, out_trade_no: orderNumber } };
    case `GET /v3/pay/transactions/id/${transactionId}`:
      if (searchParams.get("mchid") !== mch_id) return null;
      return { path: "/pay/orderquery", fields: { mch_id, transaction_id: transactionId } };
    case `POST /v3/pay/transactions/out-trade-no/${orderNumber}${close}`:
      z.strictObject({ mchid: z.literal(mch_id) }).parse(JSON.parse(request.body));
      return { path: "/pay/closeorder", fields: { mch_id, out_trade_no: orderNumber } };
    case "POST /v3/refund/domestic/refunds": {
      const { amount, reason, funds_account, ...input } = refund.parse(JSON.parse(request.body));
      const fields = {
        mch_id,
        ...input,
        total_fee: String(amount.total),
        refund_fee: String(amount.refund),
        ...(reason !== undefined && { refund_desc: reason }),
        ...(funds_account !== undefined && { refund_account: "REFUND_SOURCE_RECHARGE_FUNDS" }),
      };
      return { path: "/secapi/pay/refund", fields };
    }
    case `GET /v3/refund/domestic/refunds/${refundNo}`:
      return {
        path: "/pay/refundquery",
        fields: { mch_id, out_refund_no: decodeURIComponent(refundNo) },
      };
    default:
      return null;
  }
}

/** Whether the request has a valid, current signature of the merchants' certificate. */
export function isAuthentic(request: WechatRequest): boolean {
  const { serial_no, timestamp, nonce_str, signature = "" } = authorizationOf(request);
  const { method, path, body } = request;
  const text = Buffer.from(`${method}\n${path}\n${timestamp}\n${nonce_str}\n${body}\n`);
  return (
    serial_no === keys.merchant.serialNo &&
    Math.abs(Number(timestamp) * 1000 - Date.now()) < 300_000 &&
    request.headers.get("accept") === "application/json" &&
    request.headers.get("accept-language") === "zh-CN" &&
    verify("sha256", text, keys.merchant.publicKey, Buffer.from(signature, "base64"))
  );
}

function authorizationOf({ headers }: WechatRequest): Record<string, string> {
  const header = headers.get("authorization") ?? "";
  if (!header.startsWith("WECHATPAY2-SHA256-RSA2048 ")) return {};
  const fields = [...header.matchAll(/([a-z_]+)="([^"]*)"/g)];
  return Object.fromEntries(fields.map(([, name = "", value = ""]) => [name, value]));
}

/** HTTP status and APIv3 name of the ledger's error codes; some names are APIv2's. */
const ERRORS: Readonly<Record<string, readonly [status: number, code: string]>> = {
  ORDERPAID: [400, "ORDER_PAID"],
  ORDERCLOSED: [400, "ORDER_CLOSED"],
  ORDERNOTEXIST: [404, "ORDER_NOT_EXIST"],
  REFUNDNOTEXIST: [404, "RESOURCE_NOT_EXISTS"],
  NOTENOUGH: [403, "NOTENOUGH"],
  NOAUTH: [403, "NOAUTH"],
  TRADE_OVERDUE: [400, "INVALID_REQUEST"],
  SYSTEMERROR: [500, "SYSTEM_ERROR"],
  BIZERR_NEED_RETRY: [500, "SYSTEM_ERROR"],
  FREQUENCY_LIMITED: [429, "FREQUENCY_LIMITED"],
};

/** The response in APIv3's form; with `valid` false its signature is another text's. */
export function writeV3Response(
  ledger: Ledger,
  call: LedgerCall,
  outcome: Fields,
  valid = true,
): Response {
  const { err_code: errorCode, err_code_des: message } = outcome;
  if (errorCode !== undefined) {
    const [status, code] = ERRORS[errorCode] ?? [400, errorCode];
    return Response.json({ code, message }, { status });
  }
  const body =
    call.path === "/pay/closeorder" ? "" : JSON.stringify(v3BodyOf(ledger, call, outcome));
  const headers = signedHeaders(valid ? body : `${body} `);
  return body === ""
    ? new Response(null, { status: 204, headers })
    : new Response(body, { headers });
}

function v3BodyOf(ledger: Ledger, { path, fields }: LedgerCall, outcome: Fields): object {
  switch (path) {
    case "/pay/unifiedorder":
      return { prepay_id: outcome["prepay_id"] };
    case "/pay/orderquery": {
      const stored = ledger.orders.get(outcome["out_trade_no"] ?? "");
      const { appid } = z.object({ appid: z.string() }).parse(JSON.parse(stored?.request ?? ""));
      return transactionOf({ ...outcome, appid, mch_id: fields["mch_id"] ?? "" });
    }
    case "/pay/closeorder":
      return {};
    case "/secapi/pay/refund":
      return refundOf({ ...outcome, refund_status: "PROCESSING" });
    case "/pay/refundquery":
      return refundOf({
        out_trade_no: outcome["out_trade_no"] ?? "",
        out_refund_no: outcome["out_refund_no_0"] ?? "",
        refund_id: outcome["refund_id_0"] ?? "",
        refund_fee: outcome["refund_fee_0"] ?? "",
        refund_status: outcome["refund_status_0"] ?? "",
      });
  }
}

/** A payment in APIv3's form, from the ledger's fields. */
export function transactionOf(fields: Fields): object {
  const { total_fee, cash_fee, fee_type: currency, attach } = fields;
  const paid = total_fee !== undefined;
  return {
    appid: fields["appid"],
    mchid: fields["mch_id"],
    out_trade_no: fields["out_trade_no"],
    transaction_id: fields["transaction_id"],
    trade_type: "JSAPI",
    trade_state: fields["trade_state"] ?? "SUCCESS",
    ...(attach !== undefined && { attach }),
    ...(paid && {
      success_time: "2040-01-01T12:00:00+08:00",
      payer: { openid: fields["openid"] },
      amount: { total: Number(total_fee), payer_total: Number(cash_fee), currency },
    }),
  };
}

const STATUSES: Readonly<Record<string, string>> = { REFUNDCLOSE: "CLOSED", CHANGE: "ABNORMAL" };

/** A refund in APIv3's form, from the ledger's fields. */
export function refundOf(fields: Fields) {
  const { refund_status: status = "", refund_fee, total_fee = refund_fee } = fields;
  return {
    refund_id: fields["refund_id"],
    out_refund_no: fields["out_refund_no"],
    transaction_id: fields["transaction_id"],
    out_trade_no: fields["out_trade_no"],
    status: STATUSES[status] ?? status,
    ...(status === "SUCCESS" && { success_time: "2040-01-01T12:00:00+08:00" }),
    amount: { refund: Number(refund_fee), total: Number(total_fee), currency: "CNY" },
  };
}
