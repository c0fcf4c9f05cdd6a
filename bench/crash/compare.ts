import type { Callback } from "../../testkit/app-receiver.ts";
import type { Purchase } from "./customer.ts";
import type { Ledger, LedgerRefund } from "./wechat-ledger.ts";
import type { RecordedOrder, RecordedRefund } from "./gateway-record.ts";

/** What each of the three parties knows: WeChat, the gateway, the apps. */
export interface Accounts {
  readonly ledger: Ledger;
  readonly record: readonly RecordedOrder[];
  readonly purchases: readonly Purchase[];
  readonly callbacks: readonly Callback[];
  readonly kills: number;
}

/** Compares them order by order. One line per difference; none when all agree. */
export function differences(accounts: Accounts): readonly string[] {
  const { ledger, record, purchases, callbacks, kills } = accounts;
  const recorded = new Map(record.map((order) => [order.number, order]));
  const wechat = new Map(ledger.orders.map((order) => [order.outTradeNo, order]));
  const refundsOf = Map.groupBy(ledger.refunds, ({ outTradeNo }) => outTradeNo);
  const callbacksOf = Map.groupBy(callbacks, ({ fields }) => fields["pay_order_number"] ?? "");
  return [
    ...ledger.orders.flatMap(({ outTradeNo, paidAt }) =>
      paidAt !== null && !recorded.has(outTradeNo) ? [`${outTradeNo}: paid, and not in D1`] : [],
    ),
    ...record.flatMap((order) => {
      const refunds = refundsOf.get(order.number) ?? [];
      const received = callbacksOf.get(order.number) ?? [];
      return [
        ...paymentFaults(order, wechat.get(order.number)),
        ...refundFaults(order, refunds),
        ...callFaults(order, received, kills),
      ].map((fault) => `${order.number}: ${fault}`);
    }),
    ...purchases.flatMap((purchase) => purchaseFaults(purchase, recorded)),
    ...callbacks.flatMap(({ signed, webhookSigned, fields }) =>
      signed && webhookSigned && recorded.has(fields["pay_order_number"] ?? "")
        ? []
        : [`a callback with a wrong signature or of an unknown order: ${JSON.stringify(fields)}`],
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

const EXPECTED_STATE: Readonly<Record<LedgerRefund["status"], string>> = {
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
      known.has(outRefundNo) ? [] : [`the refund ${outRefundNo} is not in D1`],
    ),
    ...order.refunds.flatMap((row) => {
      const wechat = refunds.find(({ outRefundNo }) => outRefundNo === row.number);
      const expected = wechat === undefined ? "refused" : EXPECTED_STATE[wechat.status];
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

function callFaults(order: RecordedOrder, received: readonly Callback[], kills: number): string[] {
  const reportable = order.refunds.filter(
    ({ state }) => state === "succeeded" || state === "closed",
  );
  const pay = received.filter(({ fields }) => fields["event"] === "pay");
  return [
    ...(order.payState === "paid" && order.payNotifyState !== "confirmed"
      ? ["the app hasn't confirmed the payment"]
      : []),
    ...countFaults("payment", order.payNotifyNumber, pay, kills),
    ...reportable.flatMap((refund) =>
      refund.notifyState === "confirmed" ? [] : ["the app hasn't confirmed a refund"],
    ),
    ...order.refunds.flatMap((refund) => refundCountFaults(refund, received, kills)),
  ];
}

function refundCountFaults(
  { number, notifyNumber }: RecordedRefund,
  received: readonly Callback[],
  kills: number,
): string[] {
  const calls = received.filter(({ fields }) => fields["refund_no"] === number);
  return countFaults("refund", notifyNumber, calls, kills);
}

/** A call is counted before it is made, so a kill in between may count one more, never one less. */
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
    ...(ids.size > 1 ? [`the ${what} was reported as ${ids.size} events`] : []),
  ];
}

/** Faults in what an app knows of its order: repeated requests must have given one number. */
function purchaseFaults(
  { appOrderNo, order, paid, refunds }: Purchase,
  recorded: ReadonlyMap<string, RecordedOrder>,
): string[] {
  if (order === undefined) return [];
  const row = recorded.get(order.orderNumber);
  const own = row?.refunds.map(({ number }) => number) ?? [];
  return [
    ...(row?.appOrderNo === appOrderNo && row.id === order.orderId
      ? []
      : ["is another order in D1"]),
    ...(paid && row?.payState !== "paid" ? ["paid by the payer, not paid in D1"] : []),
    ...refunds.flatMap(({ numbers }) =>
      numbers.size <= 1 && [...numbers].every((number) => own.includes(number))
        ? []
        : [`one refund has the numbers ${[...numbers].join(", ")}`],
    ),
  ].map((fault) => `${appOrderNo}: ${fault}`);
}
