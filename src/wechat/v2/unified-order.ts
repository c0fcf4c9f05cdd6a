import { settlePrepay, type PrepayAttempt } from "../prepay-attempt.ts";
import { SHORT_LIMIT_MS } from "../transport.ts";
import { answerOf, type WechatError } from "../verdict.ts";
import type { PrepayAnswer, PrepayRequest } from "../wechat-pay.ts";
import { call, type Call, type Line, type Reply } from "./call.ts";
import { judgePrepay } from "./errors.ts";
import { queryPayment } from "./order-query.ts";

/** Characters (WeChat: unifiedorder, `prepay_id`). */
const MAX_PREPAY_ID_LENGTH = 64;
/** What WeChat says, as INVALID_REQUEST or as FAIL, when a number comes with other parameters. */
const NUMBER_TAKEN = "商户订单号重复";

/**
 * Makes an order at WeChat, or gets a new prepay id for one made before with the same parameters
 * (WeChat: unifiedorder).
 *
 * An answer that settles nothing is asked for once more with the same number and parameters, which
 * WeChat takes for the same order; a reply that asks for a pause isn't.
 */
export async function prepay(line: Line, request: PrepayRequest): Promise<PrepayAnswer> {
  return await settlePrepay(
    async () => await attemptPrepay(line, request),
    async () => await queryPayment(line, request),
  );
}

async function attemptPrepay(line: Line, request: PrepayRequest): Promise<PrepayAttempt> {
  return readAttempt(await call(line, request, buildOrder(request)));
}

function buildOrder(request: PrepayRequest): Call {
  return {
    path: "/pay/unifiedorder",
    fields: {
      body: request.desc,
      out_trade_no: request.orderNumber,
      total_fee: String(request.totalFen),
      spbill_create_ip: request.clientIp,
      notify_url: request.notifyUrl,
      trade_type: "JSAPI",
      openid: request.openId,
      goods_tag: request.tag,
      attach: request.attach ?? "",
    },
    limitMs: SHORT_LIMIT_MS,
  };
}

function readAttempt(reply: Reply): PrepayAttempt {
  if (reply.kind === "done") return readPrepayId(reply.fields);
  if (reply.kind === "error") return readError(reply.error);
  if (reply.kind === "unknown") return { kind: "again", reason: reply.reason };
  return reply.message.includes(NUMBER_TAKEN) ? { kind: "ask", error: reply } : reply;
}

function readPrepayId(fields: ReadonlyMap<string, string>): PrepayAttempt {
  const prepayId = fields.get("prepay_id") ?? "";
  if (prepayId === "" || prepayId.length > MAX_PREPAY_ID_LENGTH) {
    return { kind: "again", reason: "answer without a prepay_id" };
  }
  return { kind: "prepared", prepayId };
}

function readError(error: WechatError): PrepayAttempt {
  if (error.message.includes(NUMBER_TAKEN)) return { kind: "ask", error };
  const verdict = judgePrepay(error.code);
  if (verdict === "paid" || verdict === "closed") return { kind: verdict };
  if (verdict === "ask") return { kind: "ask", error };
  if (verdict === "unknown") return { kind: "again", reason: `${error.code}: ${error.message}` };
  return answerOf(verdict, error);
}
