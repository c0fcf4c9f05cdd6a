import { answerFor, unknown, type WechatError } from "./error-class.ts";
import type { PaymentAnswer, PrepayAnswer } from "./types.ts";

/** `ask`: the number is taken, and only a query tells for what; `again`: worth repeating at once. */
export type PrepayAttempt =
  | PrepayAnswer
  | { readonly kind: "ask"; readonly error: WechatError }
  | { readonly kind: "again"; readonly reason: string };

/**
 * Brings a prepay call to an answer. One that settles nothing is made once more with the same number
 * and parameters, which WeChat takes for the same order.
 */
export async function prepayWithRetry(
  attempt: () => Promise<PrepayAttempt>,
  query: () => Promise<PaymentAnswer>,
): Promise<PrepayAnswer> {
  const first = await attempt();
  const last = first.kind === "again" ? await attempt() : first;
  if (last.kind === "again") return unknown(last.reason);
  return last.kind === "ask" ? resolveTakenNumber(last.error, await query()) : last;
}

/** A taken number may be this very order, paid: only when WeChat says otherwise is it a no. */
function resolveTakenNumber(error: WechatError, found: PaymentAnswer): PrepayAnswer {
  switch (found.kind) {
    case "paid":
    case "closed":
      return { kind: found.kind };
    case "waiting":
    case "absent":
      return answerFor("gateway", error);
    case "refused":
    case "unknown":
      return unknown(`${error.code}: ${error.message}; and the query gave no usable answer`);
  }
}
