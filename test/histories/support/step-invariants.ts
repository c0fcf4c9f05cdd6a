import type { OrderRow, RefundRow } from "../../../src/db/rows.ts";
import { assertInvariant } from "./invariants.ts";
import { predecessorsOf } from "./refund-predecessors.ts";
import type { Simulation } from "./simulation.ts";
import { isPaid, readSnapshot, type Snapshot } from "./snapshot.ts";

/** Takes a new snapshot and checks what holds after every step. */
export async function checkStepInvariants(simulation: Simulation): Promise<void> {
  const before = simulation.snapshot;
  const now = await simulation.network.observe(async () => await readSnapshot(simulation.baseline));
  simulation.snapshot = now;
  for (const { number, status } of now.wechatRefunds.values()) {
    simulation.statuses.set(number, (simulation.statuses.get(number) ?? new Set()).add(status));
  }
  const [unstored] = simulation.unstored;
  assertInvariant(
    unstored === undefined,
    "I3",
    `a notification to ${unstored} was acknowledged, and its content isn't in D1`,
  );
  for (const order of before.orders) {
    checkOrderTransition(
      order,
      now.orders.find(({ id }) => id === order.id),
    );
  }
  for (const refund of before.refunds) {
    checkRefundTransition(
      refund,
      now.refunds.find(({ id }) => id === refund.id),
    );
  }
  for (const order of now.orders) checkOrderAgainstWechat(simulation, order);
  for (const refund of now.refunds) checkRefundAgainstWechat(simulation, refund);
  for (const refund of now.wechatRefunds.values()) {
    const row = now.refunds.find(({ number }) => number === refund.number);
    // One made in the merchant platform is unknown until it is imported.
    const mayLack = row === undefined && refund.source === "VENDOR_PLATFORM";
    assertInvariant(
      mayLack || row?.refundFen === refund.refundFen,
      "I2",
      "WeChat has a refund that D1 doesn't have, or has with another amount",
    );
  }
  checkRefundSums(simulation);
  checkRefundCalls(now);
}

/** The gateway alone never asks WeChat for more than is left, nor for two refunds within a minute. */
function checkRefundCalls({ wechatCalls, wechatRefunds }: Snapshot): void {
  const refundedElsewhere = new Set(
    [...wechatRefunds.values()]
      .filter(({ source }) => source === "VENDOR_PLATFORM")
      .map(({ orderNumber }) => orderNumber),
  );
  for (const { orderNumber, outcome } of wechatCalls) {
    if (orderNumber !== undefined && refundedElsewhere.has(orderNumber)) continue;
    assertInvariant(
      !outcome.includes("需间隔1分钟"),
      "I1",
      "WeChat refused two refunds within a minute",
    );
    assertInvariant(
      !outcome.includes("已全额退款") && !outcome.includes("可退金额"),
      "I1",
      "WeChat refused a refund of more than was left",
    );
  }
}

function checkOrderTransition(before: OrderRow, now: OrderRow | undefined): void {
  assertInvariant(
    now?.number === before.number,
    "I2",
    "an order was deleted or got another number",
  );
  if (before.payState !== "paid") return;
  assertInvariant(now?.payState === "paid", "I4", `a paid order became ${now?.payState}`);
  assertInvariant(
    now?.transactionId === before.transactionId,
    "I4",
    "a paid order got another transaction",
  );
  assertInvariant(
    (now?.payNotifyNumber ?? 0) >= before.payNotifyNumber,
    "I5",
    "the count of an order's calls decreased",
  );
  const staysConfirmed =
    before.payNotifyState !== "confirmed" || now?.payNotifyState === "confirmed";
  assertInvariant(staysConfirmed, "I5", "a confirmed call became unconfirmed");
}

function checkRefundTransition(before: RefundRow, now: RefundRow | undefined): void {
  assertInvariant(
    now?.number === before.number,
    "I2",
    "a refund was deleted or got another number",
  );
  assertInvariant(now?.refundFen === before.refundFen, "I2", "a refund's amount changed");
  assertInvariant(
    before.released !== "taken" || now?.state !== "requested",
    "I2",
    "a refund was sent again although another had taken its amount",
  );
  assertInvariant(
    (now?.notifyNumber ?? 0) >= before.notifyNumber,
    "I5",
    "the count of a refund's calls decreased",
  );
  if (now === undefined || now.state === before.state) return;
  const isAllowed = predecessorsOf(now.state).includes(before.state);
  assertInvariant(isAllowed, "I4", `a refund went from ${before.state} to ${now.state}`);
}

/** An order's row agrees with WeChat's ledger. */
function checkOrderAgainstWechat({ snapshot, bridges }: Simulation, order: OrderRow): void {
  const wechat = snapshot.wechatOrders.get(order.number);
  switch (order.payState) {
    case "waiting":
      return;
    case "paid":
      assertInvariant(isPaid(wechat), "I10", "an order is paid in D1 and unpaid at WeChat");
      assertInvariant(
        wechat?.transactionId === order.transactionId,
        "I10",
        "an order is paid by another transaction than at WeChat",
      );
      assertInvariant(
        wechat?.totalFen === order.totalFen,
        "I10",
        "an order is paid with another amount than at WeChat",
      );
      return;
    case "failed": {
      const isPayable = wechat?.state === "NOTPAY" && bridges.has(order.number);
      assertInvariant(!isPayable, "I6", "a failed order can still be paid");
    }
  }
}

/** A refund's row agrees with WeChat's ledger, now or at an earlier check. */
function checkRefundAgainstWechat({ snapshot, statuses }: Simulation, refund: RefundRow): void {
  const wechat = snapshot.wechatRefunds.get(refund.number);
  const isTrue = {
    requested: true,
    refused: wechat === undefined,
    accepted: wechat !== undefined,
    abnormal: statuses.get(refund.number)?.has("CHANGE") === true,
    closed: wechat?.status === "REFUNDCLOSE",
    succeeded: wechat?.status === "SUCCESS",
  } as const satisfies Record<RefundRow["state"], boolean>;
  assertInvariant(
    isTrue[refund.state],
    "I6",
    `a refund is ${refund.state} in D1 and ${wechat?.status ?? "absent"} at WeChat`,
  );
  const isKnownId = refund.refundId === null || refund.refundId === wechat?.refundId;
  assertInvariant(isKnownId, "I10", "a refund has another refund_id than at WeChat");
}

function checkRefundSums({ snapshot }: Simulation): void {
  const { orders, refunds, wechatOrders, wechatRefunds } = snapshot;
  for (const order of orders) {
    const ofOrder = refunds.filter(({ orderId }) => orderId === order.id);
    // One that WeChat has closed stays accepted in D1 until its poll: meanwhile the amount may be
    // refunded in the merchant platform and imported.
    const atWechat = ofOrder.filter(
      ({ number, state }) =>
        ["accepted", "abnormal", "succeeded"].includes(state) &&
        wechatRefunds.get(number)?.status !== "REFUNDCLOSE",
    );
    assertInvariant(
      atWechat.length === 0 || order.payState === "paid",
      "I1",
      "an unpaid order has a refund",
    );
    assertInvariant(
      sumFen(atWechat) <= order.totalFen,
      "I1",
      "refunds of an order in D1 that WeChat accepted exceed what was paid",
    );
    // An import may exceed it together with a request whose outcome isn't known yet.
    const reserved = ofOrder.filter(
      ({ source, state, released }) =>
        source === "app" && state !== "closed" && !(state === "refused" && released !== null),
    );
    assertInvariant(
      sumFen(reserved) <= order.totalFen,
      "I1",
      "the gateway's own refunds of an order in D1 exceed what was paid",
    );
  }
  for (const order of wechatOrders.values()) {
    const live = [...wechatRefunds.values()].filter(
      ({ orderNumber, status }) => orderNumber === order.number && status !== "REFUNDCLOSE",
    );
    assertInvariant(
      sumFen(live) <= order.totalFen,
      "I1",
      "live refunds of an order at WeChat exceed what was paid",
    );
  }
}

function sumFen(refunds: readonly { readonly refundFen: number }[]): number {
  return refunds.reduce((sum, { refundFen }) => sum + refundFen, 0);
}
