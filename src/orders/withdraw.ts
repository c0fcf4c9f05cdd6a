import { findOrder, requestClose } from "../db/orders.ts";
import type { OrderRow } from "../db/rows.ts";
import type { PayState } from "../domain/states.ts";
import { absentIsFinalAt, closeDueAt } from "../domain/withdrawal.ts";
import type { OrderContext } from "./context.ts";
import { resolvePaymentUnknown } from "./payment-known.ts";
import { conclude, queryAndClose, tooYoungUntil, type Queried } from "./poll-payment.ts";

/** Who withdraws an order, for the timeline. */
export type Withdrawer = "app" | "operator";

/** How a withdrawal ended, or how it goes on. */
export type Withdrawal =
  /** Paid, by whatever report, or failed: nothing is pending. */
  | { readonly kind: "ended"; readonly payState: Exclude<PayState, "waiting"> }
  /** Recorded: the order's timer closes it. */
  | { readonly kind: "pending"; readonly closeInSeconds: number }
  /** WeChat refused to close it; the timer tries again. */
  | { readonly kind: "refused"; readonly reason: string }
  /** WeChat gave no usable answer; the timer goes on. */
  | { readonly kind: "unknown" }
  | { readonly kind: "absent" };

/** After a crash the order's timer goes on within this time. */
const GUARD_MS = 60_000;

const POLL_TIMER = { kind: "poll-payment" } as const;

/**
 * Withdraws an order: queries WeChat, closes it there, queries again. From now on it is handled as an
 * expired one (poll-payment.ts). The timer first, then the record, then WeChat: a crash at any point
 * leaves either no change or a timer that goes on. Callers queue.
 */
export async function withdrawOrder(context: OrderContext, by: Withdrawer): Promise<Withdrawal> {
  const { db, timers, timeline, number } = context;
  const found = await findOrder(db, number);
  if (found === null) return { kind: "absent" };
  if (found.payState !== "waiting") return { kind: "ended", payState: found.payState };
  const nowAt = Date.now();
  const closeRequestedAt = found.closeRequestedAt ?? nowAt;
  const closeAt = closeDueAt({ ...found, closeRequestedAt });
  await armBy(context, closeAt > nowAt ? closeAt : nowAt + GUARD_MS);
  const order = await requestClose(db, number, closeRequestedAt);
  if (order === null) return await ended(context, { kind: "unknown" });
  if (found.closeRequestedAt === null) timeline.add(nowAt, "order.close_requested", { by });
  const guard = timers.find(POLL_TIMER);
  const queried = await queryAndClose(context, order);
  if (await conclude(context, order, queried.state)) {
    await resolvePaymentUnknown(context, order);
    if (guard !== undefined) await timers.remove(guard);
    return await ended(context, { kind: "unknown" });
  }
  return await ended(context, await going(context, order, queried));
}

/** The withdrawal of an order that hasn't ended. */
async function going(
  context: OrderContext,
  order: OrderRow,
  { state, close }: Queried,
): Promise<Withdrawal> {
  switch (state) {
    case "paid":
    case "closed":
    case "unknown":
      return { kind: "unknown" };
    case "absent":
      return await pending(context, Math.max(closeDueAt(order), absentIsFinalAt(order)));
    case "waiting":
      break;
  }
  if (close === null) return await pending(context, closeDueAt(order));
  if (close.kind !== "refused") return { kind: "unknown" };
  const retryAt = tooYoungUntil(order, close);
  if (retryAt !== null) return await pending(context, retryAt);
  return { kind: "refused", reason: `${close.code} ${close.message}` };
}

async function pending(context: OrderContext, closeAt: number): Promise<Withdrawal> {
  await armBy(context, closeAt);
  return { kind: "pending", closeInSeconds: Math.max(1, Math.ceil((closeAt - Date.now()) / 1000)) };
}

/** Makes the order's poll due by `dueAt` at the latest. */
async function armBy({ timers }: OrderContext, dueAt: number): Promise<void> {
  const armed = timers.find(POLL_TIMER);
  if (armed === undefined || armed.dueAt > dueAt) await timers.arm(POLL_TIMER, dueAt);
}

/** The order's end, if it has ended, else `otherwise`. A notification may have recorded a payment. */
async function ended(context: OrderContext, otherwise: Withdrawal): Promise<Withdrawal> {
  const order = await findOrder(context.db, context.number);
  if (order === null || order.payState === "waiting") return otherwise;
  return { kind: "ended", payState: order.payState };
}
