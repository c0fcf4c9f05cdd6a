import { log, masked } from "../observability/log.ts";
import { count } from "../observability/metrics.ts";
import type { RequestMeter } from "../observability/request-meter.ts";
import type { WechatPay } from "./types.ts";

/** Characters of a reason that are logged; WeChat's messages may be long. */
const MAX_REASON_LENGTH = 200;

/** The logged part of WeChat's answer. */
interface Answer {
  readonly kind: string;
  /** WeChat's error code, for a refusal. */
  readonly code?: string;
  /** Why the outcome is unknown. */
  readonly reason?: string;
}

/** The subject of a call. */
interface CallSubject {
  /** The call's name in the timeline, in either protocol. */
  readonly api: string;
  readonly order?: string;
  readonly refundNo?: string;
  /** Masked in the reason, where WeChat may name the payer. */
  readonly openId?: string;
}

/** A client whose calls are logged and counted. */
export function instrumentWechat(wechat: WechatPay, meter: RequestMeter): WechatPay {
  return {
    bridge: async (order, prepayId, nowAt) => await wechat.bridge(order, prepayId, nowAt),
    prepay: async (request) => {
      const subject = { api: "prepay", order: request.orderNumber, openId: request.openId };
      return await instrumentCall(meter, subject, async () => await wechat.prepay(request));
    },
    queryPayment: async (order) => {
      const subject = { api: "query_payment", order: order.orderNumber };
      return await instrumentCall(meter, subject, async () => await wechat.queryPayment(order));
    },
    queryTransaction: async (transactionId, wechatAppId) =>
      await instrumentCall(
        meter,
        { api: "query_transaction" },
        async () => await wechat.queryTransaction(transactionId, wechatAppId),
      ),
    close: async (order) => {
      const subject = { api: "close", order: order.orderNumber };
      return await instrumentCall(meter, subject, async () => await wechat.close(order));
    },
    refund: async (request) => {
      const { orderNumber: order, refundNo } = request;
      const subject = { api: "refund", order, refundNo };
      return await instrumentCall(meter, subject, async () => await wechat.refund(request));
    },
    queryRefund: async (order, refundNo) => {
      const subject = { api: "query_refund", order: order.orderNumber, refundNo };
      return await instrumentCall(
        meter,
        subject,
        async () => await wechat.queryRefund(order, refundNo),
      );
    },
    listRefunds: instrumentListRefunds(wechat.listRefunds, meter),
    openBill: async (request) =>
      await instrumentCall(meter, { api: "bill" }, async () => await wechat.openBill(request)),
  };
}

function instrumentListRefunds(
  listRefunds: WechatPay["listRefunds"],
  meter: RequestMeter,
): WechatPay["listRefunds"] {
  if (listRefunds === null) return null;
  return async (order) => {
    const subject = { api: "list_refunds", order: order.orderNumber };
    return await instrumentCall(meter, subject, async () => await listRefunds(order));
  };
}

/** Makes one call to WeChat, including its retry, and logs and counts the outcome. */
export async function instrumentCall<A extends Answer>(
  meter: RequestMeter,
  { openId, ...subject }: CallSubject,
  call: () => Promise<A>,
): Promise<A> {
  const startedAt = Date.now();
  const answer = await call();
  const tookMs = Date.now() - startedAt;
  meter.usage.wechatCalls += 1;
  meter.usage.wechatMs += tookMs;
  const { kind: outcome, code, reason } = answer;
  const safeReason = openId === undefined ? reason : reason?.replaceAll(openId, masked(openId));
  log(outcome === "unknown" || outcome === "refused" ? "warn" : "info", "wechat_call", {
    requestId: meter.requestId,
    ...subject,
    outcome,
    code,
    reason: safeReason?.slice(0, MAX_REASON_LENGTH),
    tookMs,
  });
  count(meter.metrics, { kind: "wechat_call", api: subject.api, outcome, code, tookMs });
  return answer;
}
