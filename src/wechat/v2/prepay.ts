import { prepayWithRetry, type PrepayAttempt } from "../prepay-retry.ts";
import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor, type WechatError } from "../error-class.ts";
import { blameNamedField, PREPAY_FIELDS } from "../named-field.ts";
import type { PrepayAnswer, PrepayRequest } from "../types.ts";
import { send, type V2Request, type V2Client, type V2Response } from "./request.ts";
import { classifyPrepayError } from "./error-codes.ts";
import { queryPayment } from "./query-payment.ts";

/** Characters (W-19). */
const MAX_PREPAY_ID_LENGTH = 64;
/** WeChat's message, with INVALID_REQUEST or FAIL, for a number in use with other parameters (W-20). */
const NUMBER_IN_USE = "商户订单号重复";

/**
 * Creates an order at WeChat, or gets a new prepay id for one created before with the same parameters
 * (W-18, W-19).
 *
 * A call with an unknown outcome is repeated once with the same number and parameters, which WeChat
 * treats as the same order, unless WeChat asks for a pause.
 */
export async function prepay(client: V2Client, request: PrepayRequest): Promise<PrepayAnswer> {
  return await prepayWithRetry(
    async () => await attemptPrepay(client, request),
    async () => await queryPayment(client, request),
  );
}

async function attemptPrepay(client: V2Client, request: PrepayRequest): Promise<PrepayAttempt> {
  return readAttempt(await send(client, request, buildOrder(request)));
}

function buildOrder(request: PrepayRequest): V2Request {
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
    timeoutMs: CALL_TIMEOUT_MS,
  };
}

function readAttempt(reply: V2Response): PrepayAttempt {
  if (reply.kind === "done") return readPrepayId(reply.fields);
  if (reply.kind === "error") return readError(reply.error);
  if (reply.kind === "unknown") return { ...reply, kind: "retry" };
  return reply.message.includes(NUMBER_IN_USE)
    ? { kind: "query", error: reply }
    : blameNamedField(reply, PREPAY_FIELDS);
}

function readPrepayId(fields: ReadonlyMap<string, string>): PrepayAttempt {
  const prepayId = fields.get("prepay_id") ?? "";
  if (prepayId === "" || prepayId.length > MAX_PREPAY_ID_LENGTH) {
    return { kind: "retry", reason: "answer without a prepay_id" };
  }
  return { kind: "prepared", prepayId };
}

function readError(error: WechatError): PrepayAttempt {
  if (error.message.includes(NUMBER_IN_USE)) return { kind: "query", error };
  const errorClass = classifyPrepayError(error.code);
  if (errorClass === "paid" || errorClass === "closed") return { kind: errorClass };
  if (errorClass === "query") return { kind: "query", error };
  if (errorClass === "unknown") return { kind: "retry", reason: `${error.code}: ${error.message}` };
  return blameNamedField(answerFor(errorClass, error), PREPAY_FIELDS);
}
