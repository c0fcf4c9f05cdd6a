import { statesBefore } from "./refund-states.ts";
import type { OrderRow, RefundRow } from "../../../src/db/rows.ts";
import { isPaid, readBooks, type Books } from "./books.ts";
import { claim } from "./claim.ts";
import type { Scene } from "./scene.ts";

/** Reads both books again and holds them to what must be so at every moment. */
export async function watch(scene: Scene): Promise<void> {
  const before = scene.books;
  const now = await scene.wires.peek(async () => await readBooks(scene.since));
  scene.books = now;
  for (const { number, status } of now.wechatRefunds.values()) {
    scene.statuses.set(number, (scene.statuses.get(number) ?? new Set()).add(status));
  }
  const [unstored] = scene.unstored;
  claim(unstored === undefined, "3", `${unstored} was acknowledged, and its news isn't in D1`);
  for (const order of before.orders) {
    stillPaid(
      order,
      now.orders.find(({ id }) => id === order.id),
    );
  }
  for (const refund of before.refunds) {
    movedOn(
      refund,
      now.refunds.find(({ id }) => id === refund.id),
    );
  }
  for (const order of now.orders) backedByWechat(scene, order);
  for (const refund of now.refunds) refundBackedByWechat(scene, refund);
  for (const refund of now.wechatRefunds.values()) {
    const row = now.refunds.find(({ number }) => number === refund.number);
    claim(row?.refundFen === refund.refundFen, "2", "WeChat has a refund that D1 hasn't");
  }
  withinWhatWasPaid(now);
  for (const said of now.wechatSaid) {
    claim(!said.includes("需间隔1分钟"), "1", "WeChat was asked for two refunds within a minute");
    claim(!said.includes("已全额退款"), "1", "WeChat was asked for more than was left");
  }
}

function stillPaid(before: OrderRow, now: OrderRow | undefined): void {
  claim(now?.number === before.number, "2", "an order went, or got another number");
  if (before.payState !== "paid") return;
  claim(now?.payState === "paid", "4", "a paid order is paid no more");
  claim(now?.transactionId === before.transactionId, "4", "a payment became another one");
  claim((now?.payNotifyNumber ?? 0) >= before.payNotifyNumber, "5", "a count of calls went back");
  const told = before.payNotifyState !== "confirmed" || now?.payNotifyState === "confirmed";
  claim(told, "5", "a confirmed call is confirmed no more");
}

function movedOn(before: RefundRow, now: RefundRow | undefined): void {
  claim(now?.number === before.number, "2", "a refund went, or got another number");
  claim(now?.refundFen === before.refundFen, "2", "a refund's amount changed");
  claim((now?.notifyNumber ?? 0) >= before.notifyNumber, "5", "a count of calls went back");
  if (now === undefined || now.state === before.state) return;
  const allowed = statesBefore(now.state).includes(before.state);
  claim(allowed, "4", `a refund went from ${before.state} to ${now.state}`);
}

/** What D1 says of a payment is what WeChat says. */
function backedByWechat({ books, bridges }: Scene, order: OrderRow): void {
  const wechat = books.wechatOrders.get(order.number);
  switch (order.payState) {
    case "waiting":
      return;
    case "paid":
      claim(isPaid(wechat), "10", "an order is paid that nobody has paid");
      claim(wechat?.transactionId === order.transactionId, "10", "paid by another transaction");
      claim(wechat?.totalFen === order.totalFen, "10", "paid by another amount");
      return;
    case "failed": {
      const payable = wechat?.state === "NOTPAY" && bridges.has(order.number);
      claim(!payable, "6", "an order has failed that can still be paid");
    }
  }
}

/** What D1 says of a refund is what WeChat says, or has said. */
function refundBackedByWechat({ books, statuses }: Scene, refund: RefundRow): void {
  const wechat = books.wechatRefunds.get(refund.number);
  const isSo = {
    requested: true,
    refused: wechat === undefined,
    accepted: wechat !== undefined,
    abnormal: statuses.get(refund.number)?.has("CHANGE") === true,
    closed: wechat?.status === "REFUNDCLOSE",
    succeeded: wechat?.status === "SUCCESS",
  } as const satisfies Record<RefundRow["state"], boolean>;
  claim(isSo[refund.state], "6", `a refund is ${refund.state}, and WeChat says otherwise`);
  const known = refund.refundId === null || refund.refundId === wechat?.refundId;
  claim(known, "10", "a refund has a number that isn't WeChat's");
}

function withinWhatWasPaid({ orders, refunds, wechatOrders, wechatRefunds }: Books): void {
  for (const order of orders) {
    const live = refunds.filter(({ orderId, state }) => orderId === order.id && state !== "closed");
    claim(live.length === 0 || order.payState === "paid", "1", "an unpaid order has a refund");
    claim(sumOf(live) <= order.totalFen, "1", "D1 has more refunds than was paid");
  }
  for (const order of wechatOrders.values()) {
    const live = [...wechatRefunds.values()].filter(
      ({ orderNumber, status }) => orderNumber === order.number && status !== "REFUNDCLOSE",
    );
    claim(sumOf(live) <= order.totalFen, "1", "WeChat has more refunds than was paid");
  }
}

function sumOf(refunds: readonly { readonly refundFen: number }[]): number {
  return refunds.reduce((sum, { refundFen }) => sum + refundFen, 0);
}
