import * as z from "zod";
import { prepayWithRetry, type PrepayAttempt } from "../prepay-retry.ts";
import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor } from "../error-class.ts";
import { blameNamedField, PREPAY_FIELDS } from "../named-field.ts";
import type { PrepayAnswer, PrepayRequest } from "../types.ts";
import { send, type V3Request, type V3Response, type V3Client } from "./request.ts";
import { classifyPrepayError, type HttpError } from "./error-codes.ts";
import { readJson } from "./json.ts";
import { queryPayment } from "./query-payment.ts";

const prepared = z.object({ prepay_id: z.string().min(1).max(64) });

/**
 * WeChat's message, with INVALID_REQUEST, for a number in use: with other parameters (W-20), paid or
 * closed.
 */
const NUMBER_IN_USE = /订单号重复|重入|已支付|已关闭/;

/**
 * Creates an order at WeChat, or gets a new prepay id for one created before with the same parameters
 * (W-80).
 *
 * A call with an unknown outcome is repeated once with the same number and parameters, which WeChat
 * treats as the same order, unless WeChat asks for a pause.
 */
export async function prepay(client: V3Client, request: PrepayRequest): Promise<PrepayAnswer> {
  return await prepayWithRetry(
    async () => await attemptPrepay(client, request),
    async () => await queryPayment(client, request),
  );
}

async function attemptPrepay(client: V3Client, request: PrepayRequest): Promise<PrepayAttempt> {
  return readAttempt(await send(client, buildOrder(client.merchant.mchId, request)));
}

function buildOrder(mchid: string, request: PrepayRequest): V3Request {
  return {
    method: "POST",
    path: "/v3/pay/transactions/jsapi",
    body: {
      appid: request.wechatAppId,
      mchid,
      description: request.desc,
      out_trade_no: request.orderNumber,
      ...(request.attach === null || request.attach === "" ? {} : { attach: request.attach }),
      notify_url: request.notifyUrl,
      ...(request.tag === "" ? {} : { goods_tag: request.tag }),
      amount: { total: request.totalFen, currency: "CNY" },
      payer: { openid: request.openId },
      scene_info: { payer_client_ip: request.clientIp },
    },
    timeoutMs: CALL_TIMEOUT_MS,
  };
}

function readAttempt(reply: V3Response): PrepayAttempt {
  switch (reply.kind) {
    case "done": {
      const read = readJson(reply.body, prepared);
      return read.ok
        ? { kind: "prepared", prepayId: read.value.prepay_id }
        : { kind: "retry", reason: `unreadable answer: ${read.error}` };
    }
    case "error":
      return readError(reply.error);
    case "unknown":
      return { ...reply, kind: "retry" };
  }
}

function readError(error: HttpError): PrepayAttempt {
  const errorClass = classifyPrepayError(error);
  if (errorClass === "paid" || errorClass === "closed") return { kind: errorClass };
  if (errorClass === "unknown") return { kind: "retry", reason: `${error.code}: ${error.message}` };
  if (errorClass === "query") return { kind: "query", error };
  if (errorClass === "request" && NUMBER_IN_USE.test(error.message)) {
    return { kind: "query", error };
  }
  return blameNamedField(answerFor(errorClass, error), PREPAY_FIELDS, error.field);
}
