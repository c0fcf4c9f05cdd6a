import { verify } from "node:crypto";
import { z } from "zod";
import { keys } from "../wechat/v3/support/fixtures.ts";
import { signedHeaders } from "../wechat/v3/support/messages.ts";
import type { Fields, Ledger, WechatPath } from "./wechat-ledger.ts";

/*
 * APIv3's dialect of the fake WeChat: its requests and answers, to and from the fields that the
 * ledger keeps its books in, which are APIv2's.
 */

/** One request to WeChat as it came. */
export interface Request {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

/** A request of either protocol, in the ledger's terms. */
export interface Asked {
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
  notify_url: z.string(),
  amount: z.strictObject({ refund: z.int(), total: z.int(), currency: z.literal("CNY") }),
});

/** What is asked, or null for no call of WeChat's. An undocumented field is a test's failure. */
export function readV3(request: Request): Asked | null {
  const { pathname, searchParams } = new URL(request.path, "https://wechat.test");
  const mch_id = authorizationOf(request)["mchid"] ?? "";
  const [, orderNumber = "", close] =
    /^\/v3\/pay\/transactions\/out-trade-no\/([^/]+)(\/close)?$/.exec(pathname) ?? [];
  const [, refundNo = ""] = /^\/v3\/refund\/domestic\/refunds\/([^/]+)$/.exec(pathname) ?? [];
  switch (`${request.method} ${pathname}`) {
    case "POST /v3/pay/transactions/jsapi": {
      const given = order.parse(JSON.parse(request.body));
      const { attach = "", goods_tag = "" } = given;
      const fields = {
        appid: given.appid,
        mch_id: given.mchid,
        body: given.description,
        out_trade_no: given.out_trade_no,
        total_fee: String(given.amount.total),
        spbill_create_ip: given.scene_info.payer_client_ip,
        notify_url: given.notify_url,
        trade_type: "JSAPI",
        openid: given.payer.openid,
        ...(goods_tag !== "" && { goods_tag }),
        ...(attach !== "" && { attach }),
      };
      return { path: "/pay/unifiedorder", fields };
    }
    case `GET /v3/pay/transactions/out-trade-no/${orderNumber}`:
      if (searchParams.get("mchid") !== mch_id) return null;
      return { path: "/pay/orderquery", fields: { mch_id, out_trade_no: orderNumber } };
    case `POST /v3/pay/transactions/out-trade-no/${orderNumber}${close}`:
      z.strictObject({ mchid: z.literal(mch_id) }).parse(JSON.parse(request.body));
      return { path: "/pay/closeorder", fields: { mch_id, out_trade_no: orderNumber } };
    case "POST /v3/refund/domestic/refunds": {
      const { amount, ...given } = refund.parse(JSON.parse(request.body));
      const total_fee = String(amount.total);
      const refund_fee = String(amount.refund);
      return { path: "/secapi/pay/refund", fields: { mch_id, ...given, total_fee, refund_fee } };
    }
    case `GET /v3/refund/domestic/refunds/${refundNo}`:
      return { path: "/pay/refundquery", fields: { mch_id, out_refund_no: refundNo } };
    default:
      return null;
  }
}

/** Whether the request is rightly signed by the merchants' certificate, now. */
export function isAuthentic(request: Request): boolean {
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

function authorizationOf({ headers }: Request): Record<string, string> {
  const header = headers.get("authorization") ?? "";
  if (!header.startsWith("WECHATPAY2-SHA256-RSA2048 ")) return {};
  const fields = [...header.matchAll(/([a-z_]+)="([^"]*)"/g)];
  return Object.fromEntries(fields.map(([, name = "", value = ""]) => [name, value]));
}

/** HTTP statuses and APIv3's names of the ledger's error codes; some keep their old spelling. */
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

/** The answer to a request, in APIv3's form. `signed` false: with a signature of something else. */
export function replyV3(ledger: Ledger, asked: Asked, outcome: Fields, signed = true): Response {
  const { err_code: failed, err_code_des: message } = outcome;
  if (failed !== undefined) {
    const [status, code] = ERRORS[failed] ?? [400, failed];
    return Response.json({ code, message }, { status });
  }
  const told = asked.path === "/pay/closeorder" ? "" : JSON.stringify(tell(ledger, asked, outcome));
  const headers = signedHeaders(signed ? told : `${told} `);
  return told === ""
    ? new Response(null, { status: 204, headers })
    : new Response(told, { headers });
}

function tell(ledger: Ledger, { path, fields }: Asked, outcome: Fields): object {
  switch (path) {
    case "/pay/unifiedorder":
      return { prepay_id: outcome["prepay_id"] };
    case "/pay/orderquery": {
      const made = ledger.orders.get(outcome["out_trade_no"] ?? "");
      const { appid } = z.object({ appid: z.string() }).parse(JSON.parse(made?.request ?? ""));
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
