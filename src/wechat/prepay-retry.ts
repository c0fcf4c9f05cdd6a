import { answerFor, unknown, type WechatError } from "./error-class.ts";
import type { PaymentAnswer, PrepayAnswer, Unknown } from "./types.ts";

/** `query`: the number is in use, and a query must show the order's state; `retry`: repeat at once. */
export type PrepayAttempt =
  | PrepayAnswer
  | { readonly kind: "query"; readonly error: WechatError }
  | ({ readonly kind: "retry" } & Omit<Unknown, "kind">);

/**
 * Makes a prepay call and, when its outcome is unknown, repeats it once with the same number and
 * parameters, which WeChat treats as the same order.
 */
export async function prepayWithRetry(
  attempt: () => Promise<PrepayAttempt>,
  query: () => Promise<PaymentAnswer>,
): Promise<PrepayAnswer> {
  const first = await attempt();
  const last = first.kind === "retry" ? await attempt() : first;
  if (last.kind === "retry") return { ...last, kind: "unknown" };
  return last.kind === "query" ? resolveNumberInUse(last.error, await query()) : last;
}

/** A number in use may be this order, already paid: it is refused only if the query says otherwise. */
function resolveNumberInUse(error: WechatError, order: PaymentAnswer): PrepayAnswer {
  switch (order.kind) {
    case "paid":
    case "closed":
      return { kind: order.kind };
    case "waiting":
    case "absent":
      return answerFor("gateway", error);
    case "refused":
    case "unknown":
      return unknown(`${error.code}: ${error.message}; and the query gave no usable answer`);
  }
}
