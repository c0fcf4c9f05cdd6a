import { log, masked } from "../observability/log.ts";
import { count } from "../observability/metrics.ts";
import type { RequestMeter } from "../observability/request-meter.ts";
import type { OrderKey, Refused, Unknown, WechatPay } from "./types.ts";

/** Characters of a reason that are logged; WeChat's messages may be long. */
const MAX_REASON_LENGTH = 200;

/** The logged part of WeChat's answer. */
interface Answer {
  readonly kind: string;
  /** WeChat's error code, for a refusal. */
  readonly code?: string;
  /** Why the outcome is unknown. */
  readonly reason?: string;
  readonly message?: string;
  readonly blame?: Refused["blame"];
  readonly unverified?: NonNullable<Unknown["unverified"]>;
}

/** Learns of each answer, at once; must neither throw nor wait. */
export type AnswerObserver = (subject: CallSubject, answer: Answer) => void;

/** The subject of a call. */
interface CallSubject {
  /** The call's name in the timeline, in either protocol. */
  readonly api: string;
  readonly order?: string;
  readonly refundNo?: string;
  readonly wechatAppId?: string;
  /** Masked in the reason, where WeChat may name the payer. */
  readonly openId?: string;
}

/** A client whose calls are logged and counted, and whose answers `observe` learns of. */
export function instrumentWechat(
  wechat: WechatPay,
  meter: RequestMeter,
  observe: AnswerObserver,
): WechatPay {
  const instrumented = async <A extends Answer>(
    subject: CallSubject,
    call: () => Promise<A>,
  ): Promise<A> => await instrumentCall(meter, subject, call, observe);
  const { listRefunds } = wechat;
  return {
    bridge: async (order, prepayId, nowAt) => await wechat.bridge(order, prepayId, nowAt),
    prepay: async (request) => {
      const { orderNumber: order, openId, wechatAppId } = request;
      const subject = { api: "prepay", order, openId, wechatAppId };
      return await instrumented(subject, async () => await wechat.prepay(request));
    },
    queryPayment: async (order) => {
      const subject = subjectOf("query_payment", order);
      return await instrumented(subject, async () => await wechat.queryPayment(order));
    },
    queryTransaction: async (transactionId, wechatAppId) =>
      await instrumented(
        { api: "query_transaction", wechatAppId },
        async () => await wechat.queryTransaction(transactionId, wechatAppId),
      ),
    close: async (order) =>
      await instrumented(subjectOf("close", order), async () => await wechat.close(order)),
    refund: async (request) => {
      const subject = { ...subjectOf("refund", request), refundNo: request.refundNo };
      return await instrumented(subject, async () => await wechat.refund(request));
    },
    queryRefund: async (order, refundNo) => {
      const subject = { ...subjectOf("query_refund", order), refundNo };
      return await instrumented(subject, async () => await wechat.queryRefund(order, refundNo));
    },
    listRefunds:
      listRefunds === null
        ? null
        : async (order) =>
            await instrumented(
              subjectOf("list_refunds", order),
              async () => await listRefunds(order),
            ),
    openBill: async (request) =>
      await instrumented(
        { api: "bill", wechatAppId: request.wechatAppId },
        async () => await wechat.openBill(request),
      ),
  };
}

function subjectOf(api: string, { orderNumber: order, wechatAppId }: OrderKey): CallSubject {
  return { api, order, wechatAppId };
}

/** Makes one call to WeChat, including its retry, and logs and counts the outcome. */
export async function instrumentCall<A extends Answer>(
  meter: RequestMeter,
  called: CallSubject,
  call: () => Promise<A>,
  observe?: AnswerObserver,
): Promise<A> {
  const { openId, wechatAppId: _appId, ...subject } = called;
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
  observe?.(called, answer);
  return answer;
}
