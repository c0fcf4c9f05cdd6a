import { env } from "cloudflare:workers";
import type { OrderRow, RefundRow } from "../../../src/db/rows.ts";
import type { AppCall } from "./app-servers.ts";
import { assertInvariant } from "./invariants.ts";
import { isReportable, orderObject, type Simulation } from "./simulation.ts";
import { isPaid } from "./snapshot.ts";

/** The number of scheduled calls for one event (README: retries). */
const SCHEDULED_CALLS = 16;

/** Checks what holds after the simulation was drained. */
export async function checkFinalState(simulation: Simulation): Promise<void> {
  const { snapshot, bridges } = simulation;
  for (const order of snapshot.orders) {
    const paid = isPaid(snapshot.wechatOrders.get(order.number));
    assertInvariant(
      (order.payState === "paid") === paid,
      "I4",
      `an order is ${order.payState} in D1 and ${paid ? "paid" : "unpaid"} at WeChat`,
    );
    assertInvariant(order.payState !== "waiting", "completion", "an order is still waiting");
    checkPaymentCalls(simulation, order);
    await checkObject(simulation, order);
  }
  for (const number of bridges.keys()) {
    const isStored = snapshot.orders.some((order) => order.number === number);
    assertInvariant(isStored, "completion", "an app received an order that D1 doesn't have");
  }
  for (const refund of snapshot.refunds) {
    const hasEnded = ["succeeded", "closed", "refused"].includes(refund.state);
    assertInvariant(hasEnded, "I4", `a refund is still ${refund.state}`);
    const isReleased = refund.state !== "refused" || refund.released !== null;
    assertInvariant(isReleased, "I11", "a refused refund still reserves its amount");
    checkRefundCalls(simulation, refund);
  }
  for (const call of simulation.apps.calls) {
    assertInvariant(call.authentic, "I5", "a call has an invalid signature");
  }
  await checkSecrets(simulation);
}

function checkPaymentCalls(simulation: Simulation, order: OrderRow): void {
  const calls = simulation.apps.calls.filter(
    ({ event, fields }) => event === "pay" && fields.get("pay_order_number") === order.number,
  );
  checkCount(simulation, calls, order.payNotifyNumber);
  if (order.payState !== "paid") {
    assertInvariant(calls.length === 0, "I5", "an app was called about an unpaid order");
    return;
  }
  const isDelivered =
    order.payNotifyState === "confirmed" || order.payNotifyNumber >= SCHEDULED_CALLS;
  assertInvariant(
    isDelivered,
    "I5",
    `calls about an unconfirmed payment stopped after ${order.payNotifyNumber}`,
  );
  for (const { appId, fields } of calls) {
    const isTrue =
      appId === order.appId &&
      fields.get("appId") === String(order.appId) &&
      fields.get("order_id") === String(order.id) &&
      fields.get("eventId") === `pay_${order.number}` &&
      fields.get("total_free") === String(order.totalFen) &&
      fields.get("transaction_id") === order.transactionId &&
      fields.get("pay_state") === "2";
    assertInvariant(isTrue, "I5", "a call contradicts the payment");
  }
}

/** For each `ref_state` of a call: the statuses of WeChat that justify it. */
const JUSTIFYING_STATUSES: Readonly<Record<string, readonly string[]>> = {
  "3": ["CHANGE", "REFUNDCLOSE"],
  "4": ["SUCCESS"],
};

function checkRefundCalls(simulation: Simulation, refund: RefundRow): void {
  const calls = simulation.apps.calls.filter(
    ({ event, fields }) => event === "refund" && fields.get("refund_no") === refund.number,
  );
  checkCount(simulation, calls, refund.notifyNumber);
  if (isReportable(refund.state)) {
    const isDelivered =
      refund.notifyState === "confirmed" || refund.notifyNumber >= SCHEDULED_CALLS;
    assertInvariant(
      isDelivered,
      "I5",
      `calls about an unconfirmed refund stopped after ${refund.notifyNumber}`,
    );
  }
  const stateOfEvent = new Map<string, string>();
  for (const { appId, fields } of calls) {
    const state = fields.get("ref_state") ?? "";
    const statuses = simulation.statuses.get(refund.number) ?? new Set();
    const isTrue =
      appId === refund.appId &&
      fields.get("refund_free") === String(refund.refundFen) &&
      fields.get("refund_id") === refund.refundId &&
      (fields.get("app_refund_no") ?? null) === refund.appRefundNo &&
      JUSTIFYING_STATUSES[state]?.some((status) => new Set<string>(statuses).has(status)) === true;
    assertInvariant(isTrue, "I5", "a call contradicts the refund");
    const eventId = fields.get("eventId") ?? "";
    assertInvariant(
      (stateOfEvent.get(eventId) ?? state) === state,
      "I5",
      "two calls with the same eventId have different states",
    );
    stateOfEvent.set(eventId, state);
  }
}

/** A call is counted before it is sent: a crash in between leaves a count without a call. */
function checkCount({ crashes }: Simulation, calls: readonly AppCall[], count: number): void {
  const isPlausible = calls.length <= count && count <= calls.length + crashes;
  assertInvariant(isPlausible, "I5", `an app received ${calls.length} calls, D1 counts ${count}`);
}

/** No timer is left. The timeline is kept, to be searched for secrets. */
async function checkObject(simulation: Simulation, { number }: OrderRow): Promise<void> {
  const history = await orderObject(number).history();
  simulation.output.push(JSON.stringify(history.entries));
  assertInvariant(history.timers.length === 0, "completion", "a timer is armed that never runs");
}

async function checkSecrets({
  merchant,
  output,
  baseline,
  apps,
  snapshot,
}: Simulation): Promise<void> {
  const { results: incidents } = await env.DB.prepare("select * from incidents").all();
  const everything = [
    ...output,
    ...apps.calls.map(({ body }) => body),
    JSON.stringify([snapshot.orders, snapshot.refunds, incidents, baseline]),
  ].join("\n");
  for (const secret of merchant.secrets) {
    const at = everything.indexOf(secret);
    const context = everything.slice(Math.max(at - 80, 0), Math.max(at, 0));
    assertInvariant(at < 0, "I9", `a secret appears after …${context}`);
  }
}
