import type { Callback } from "../../testkit/app-receiver.ts";
import type { Purchase } from "./customer.ts";
import type { Ledger, LedgerRefund } from "./ledger.ts";
import type { RecordedOrder, RecordedRefund } from "./record.ts";

/** All that three parties know, each by itself: WeChat, the gateway, the apps. */
export interface Accounts {
  readonly ledger: Ledger;
  readonly record: readonly RecordedOrder[];
  readonly purchases: readonly Purchase[];
  readonly callbacks: readonly Callback[];
  readonly kills: number;
}

/** Compares them order by order; one line a difference, none when all agree. */
export function differences(accounts: Accounts): readonly string[] {
  const { ledger, record, purchases, callbacks, kills } = accounts;
  const recorded = new Map(record.map((order) => [order.number, order]));
  const wechat = new Map(ledger.orders.map((order) => [order.outTradeNo, order]));
  const refundsOf = Map.groupBy(ledger.refunds, ({ outTradeNo }) => outTradeNo);
  const heardOf = Map.groupBy(callbacks, ({ fields }) => fields["pay_order_number"] ?? "");
  return [
    ...ledger.orders.flatMap(({ outTradeNo, paidAt }) =>
      paidAt !== null && !recorded.has(outTradeNo) ? [`${outTradeNo}: paid, and not in D1`] : [],
    ),
    ...record.flatMap((order) => {
      const refunds = refundsOf.get(order.number) ?? [];
      const heard = heardOf.get(order.number) ?? [];
      return [
        ...paymentFaults(order, wechat.get(order.number)),
        ...refundFaults(order, refunds),
        ...callFaults(order, heard, kills),
      ].map((fault) => `${order.number}: ${fault}`);
    }),
    ...purchases.flatMap((purchase) => purchaseFaults(purchase, recorded)),
    ...callbacks.flatMap(({ signed, webhookSigned, fields }) =>
      signed && webhookSigned && recorded.has(fields["pay_order_number"] ?? "")
        ? []
        : [`a callback that isn't right: ${JSON.stringify(fields)}`],
    ),
  ];
}

function paymentFaults(
  order: RecordedOrder,
  wechat: Ledger["orders"][number] | undefined,
): string[] {
  const paid = wechat?.paidAt !== undefined && wechat.paidAt !== null;
  if (paid !== (order.payState === "paid")) {
    return [`${order.payState} in D1, ${wechat?.state ?? "absent"} at WeChat`];
  }
  if (!paid) return [];
  const same = order.transactionId === wechat?.transactionId && order.totalFen === wechat.totalFee;
  return same ? [] : ["paid by another transaction, or another amount"];
}

const END: Readonly<Record<LedgerRefund["status"], string>> = {
  PROCESSING: "accepted",
  SUCCESS: "succeeded",
  CHANGE: "abnormal",
  REFUNDCLOSE: "closed",
};

function refundFaults(order: RecordedOrder, refunds: readonly LedgerRefund[]): string[] {
  const refundedFen = refunds
    .filter(({ status }) => status !== "REFUNDCLOSE")
    .reduce((sum, { refundFee }) => sum + refundFee, 0);
  const known = new Set(order.refunds.map(({ number }) => number));
  return [
    ...(refundedFen > order.totalFen ? [`${refundedFen} fen refunded of ${order.totalFen}`] : []),
    ...refunds.flatMap(({ outRefundNo }) =>
      known.has(outRefundNo) ? [] : [`the refund ${outRefundNo} isn't in D1`],
    ),
    ...order.refunds.flatMap((row) => {
      const wechat = refunds.find(({ outRefundNo }) => outRefundNo === row.number);
      const expected = wechat === undefined ? "refused" : END[wechat.status];
      const same =
        row.state === expected &&
        (wechat === undefined ||
          (row.refundFen === wechat.refundFee && row.refundId === wechat.refundId));
      return same
        ? []
        : [`the refund ${row.number} is ${row.state}, WeChat says ${wechat?.status ?? "absent"}`];
    }),
  ];
}

function callFaults(order: RecordedOrder, heard: readonly Callback[], kills: number): string[] {
  const news = order.refunds.filter(({ state }) => state === "succeeded" || state === "closed");
  const pay = heard.filter(({ fields }) => fields["event"] === "pay");
  return [
    ...(order.payState === "paid" && order.payNotifyState !== "confirmed"
      ? ["the app hasn't confirmed the payment"]
      : []),
    ...countFaults("payment", order.payNotifyNumber, pay, kills),
    ...news.flatMap((refund) =>
      refund.notifyState === "confirmed" ? [] : ["the app hasn't confirmed a refund"],
    ),
    ...order.refunds.flatMap((refund) => refundCountFaults(refund, heard, kills)),
  ];
}

function refundCountFaults(
  { number, notifyNumber }: RecordedRefund,
  heard: readonly Callback[],
  kills: number,
): string[] {
  const calls = heard.filter(({ fields }) => fields["refund_no"] === number);
  return countFaults("refund", notifyNumber, calls, kills);
}

/** Counted before it is made: a kill in between counts a call that never was, and never the reverse. */
function countFaults(
  what: string,
  counted: number,
  calls: readonly Callback[],
  kills: number,
): string[] {
  const ids = new Set(calls.map(({ fields }) => fields["eventId"]));
  return [
    ...(calls.length <= counted && counted <= calls.length + kills
      ? []
      : [`${calls.length} calls about the ${what} received, ${counted} counted`]),
    ...(ids.size > 1 ? [`the ${what} was told as ${ids.size} events`] : []),
  ];
}

/** What its app knows of an order: one number for one wish, whatever was repeated. */
function purchaseFaults(
  { appOrderNo, order, paid, wishes }: Purchase,
  recorded: ReadonlyMap<string, RecordedOrder>,
): string[] {
  if (order === undefined) return [];
  const row = recorded.get(order.orderNumber);
  const own = row?.refunds.map(({ number }) => number) ?? [];
  return [
    ...(row?.appOrderNo === appOrderNo && row.id === order.orderId ? [] : ["is another order now"]),
    ...(paid && row?.payState !== "paid" ? ["the payer has paid, and it isn't paid"] : []),
    ...wishes.flatMap(({ numbers }) =>
      numbers.size <= 1 && [...numbers].every((number) => own.includes(number))
        ? []
        : [`one refund was told as ${[...numbers].join(", ")}`],
    ),
  ].map((fault) => `${appOrderNo}: ${fault}`);
}
