import { log, masked } from "../observability/log.ts";
import { count } from "../observability/metrics.ts";
import type { RequestMeter } from "../observability/request-meter.ts";
import type { WechatPay } from "./types.ts";

/** Characters of a reason that the log keeps; WeChat's own words may be long. */
const MAX_REASON_LENGTH = 200;

/** What any call to WeChat comes to, as far as it is logged. */
interface Answer {
  readonly kind: string;
  /** WeChat's, of a refusal. */
  readonly code?: string;
  /** Why nothing is known. */
  readonly reason?: string;
}

/** What a call is about. */
interface CallSubject {
  /** As the timeline names it, in either protocol. */
  readonly api: string;
  readonly order?: string;
  readonly refundNo?: string;
  /** WeChat may name the payer in its reason. */
  readonly openId?: string;
}

/** A line to WeChat of which each call leaves a line in the log and is counted. */
export function instrumentWechat(wechat: WechatPay, meter: RequestMeter): WechatPay {
  return {
    bridge: async (order, prepayId, nowAt) => await wechat.bridge(order, prepayId, nowAt),
    prepay: async (request) => {
      const about = { api: "prepay", order: request.orderNumber, openId: request.openId };
      return await instrumentCall(meter, about, async () => await wechat.prepay(request));
    },
    queryPayment: async (order) => {
      const about = { api: "query_payment", order: order.orderNumber };
      return await instrumentCall(meter, about, async () => await wechat.queryPayment(order));
    },
    close: async (order) => {
      const about = { api: "close", order: order.orderNumber };
      return await instrumentCall(meter, about, async () => await wechat.close(order));
    },
    refund: async (request) => {
      const { orderNumber: order, refundNo } = request;
      const about = { api: "refund", order, refundNo };
      return await instrumentCall(meter, about, async () => await wechat.refund(request));
    },
    queryRefund: async (order, refundNo) => {
      const about = { api: "query_refund", order: order.orderNumber, refundNo };
      return await instrumentCall(
        meter,
        about,
        async () => await wechat.queryRefund(order, refundNo),
      );
    },
    openBill: async (request) =>
      await instrumentCall(meter, { api: "bill" }, async () => await wechat.openBill(request)),
  };
}

/** Makes one call to WeChat, a repeat within it included, and takes down what came of it. */
export async function instrumentCall<A extends Answer>(
  meter: RequestMeter,
  { openId, ...about }: CallSubject,
  call: () => Promise<A>,
): Promise<A> {
  const startedAt = Date.now();
  const answer = await call();
  const tookMs = Date.now() - startedAt;
  meter.usage.wechatCalls += 1;
  meter.usage.wechatMs += tookMs;
  const { kind: outcome, code, reason } = answer;
  const spoken = openId === undefined ? reason : reason?.replaceAll(openId, masked(openId));
  log(outcome === "unknown" || outcome === "refused" ? "warn" : "info", "wechat_call", {
    requestId: meter.requestId,
    ...about,
    outcome,
    code,
    reason: spoken?.slice(0, MAX_REASON_LENGTH),
    tookMs,
  });
  count(meter.metrics, { kind: "wechat_call", api: about.api, outcome, code, tookMs });
  return answer;
}
