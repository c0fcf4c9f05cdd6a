import { isDeepStrictEqual } from "node:util";
import type { Callback } from "../../testkit/app-receiver.ts";
import type { OrderView } from "../../testkit/contract.ts";
import type { Merchant } from "../../testkit/shop.ts";
import { inParallel } from "../support/pool.ts";
import { readLocal, type Row } from "../support/sqlite.ts";
import type { CompletedOrder } from "./run-order.ts";

/** What the driver did, and where to read what has become of it. */
export interface LoadResult {
  readonly merchant: Merchant;
  readonly completed: readonly CompletedOrder[];
  readonly callbacks: readonly Callback[];
  /** Where the two Workers keep their storage. */
  readonly storage: { readonly gateway: string; readonly sandbox: string };
}

/** All differences between the expected and the actual state; none if all is correct. */
export async function differences(result: LoadResult): Promise<readonly string[]> {
  return [
    ...callbackDifferences(result),
    ...recordDifferences(result),
    ...wechatDifferences(result),
    ...(await viewDifferences(result)),
  ];
}

/** Each app has received each of its callbacks once, and no other. */
function callbackDifferences({ completed, callbacks }: LoadResult): readonly string[] {
  const expected = new Map(completed.flatMap((order) => expectedCallbacks(order)));
  const paths = new Map(completed.map(({ app }) => [String(app.client.id), app.callbackPath]));
  const faults: string[] = [];
  for (const { path, fields, signed, webhookSigned } of callbacks) {
    const { timestamp, sign, pay_time, refund_time, ...received } = fields;
    const eventId = received["eventId"] ?? "";
    const due = expected.get(eventId);
    expected.delete(eventId);
    const expectedPath = `${paths.get(received["appId"] ?? "")}/${received["event"]}`;
    if (due === undefined) faults.push(`${eventId}: unexpected, or received twice`);
    else if (!isDeepStrictEqual(received, due)) {
      faults.push(`${eventId}: received ${JSON.stringify(received)}`);
    }
    const occurredAt = received["event"] === "pay" ? pay_time : refund_time;
    if (!/^\d{10}$/.test(occurredAt ?? "")) faults.push(`${eventId}: no time of the event`);
    if (path !== expectedPath) faults.push(`${eventId}: received at ${path}`);
    if (timestamp === undefined || sign === undefined || !signed || !webhookSigned) {
      faults.push(`${eventId}: wrong signature`);
    }
  }
  return [...faults, ...[...expected.keys()].map((eventId) => `${eventId}: not received`)];
}

function expectedCallbacks(
  completed: CompletedOrder,
): [string, Readonly<Record<string, string>>][] {
  const { app, order, totalFen, attach, transactionId, refund } = completed;
  const common = {
    appId: String(app.client.id),
    order_id: String(order.orderId),
    pay_order_number: order.orderNumber,
    attach,
    total_free: String(totalFen),
    pay_state: "2",
    transaction_id: transactionId,
  };
  const paid = `pay_${order.orderNumber}`;
  const callbacks: [string, Readonly<Record<string, string>>][] = [
    [paid, { ...common, event: "pay", eventId: paid }],
  ];
  if (refund === null) return callbacks;
  const eventId = `refund_${refund.refund_no}_succeeded`;
  const refunded = {
    refund_no: refund.refund_no,
    refund_id: refund.refund_id,
    refund_free: String(totalFen),
    ref_state: "4",
  };
  return [...callbacks, [eventId, { ...common, event: "refund", eventId, ...refunded }]];
}

/** D1 has each order and refund once, in its final state, and nothing else. */
function recordDifferences({ completed, storage }: LoadResult): readonly string[] {
  const orders = readLocal(
    storage.gateway,
    "orders",
    "select number, id, app_id, total_fen, pay_state, transaction_id, pay_notify_state, pay_notify_number from orders",
  );
  const refunds = readLocal(
    storage.gateway,
    "reconciliations",
    "select number, refund_id, refund_fen, state, notify_state, notify_number from refunds",
  );
  const incidents = readLocal(storage.gateway, "incidents", "select kind, subject from incidents");
  return [
    ...compare(
      "D1",
      orders,
      completed.map(({ app, order, totalFen, transactionId }) => ({
        number: order.orderNumber,
        id: order.orderId,
        app_id: app.client.id,
        total_fen: totalFen,
        pay_state: "paid",
        transaction_id: transactionId,
        pay_notify_state: "confirmed",
        pay_notify_number: 1,
      })),
    ),
    ...compare(
      "D1, refunds",
      refunds,
      completed.flatMap(({ refund, totalFen }) =>
        refund === null
          ? []
          : {
              number: refund.refund_no,
              refund_id: refund.refund_id,
              refund_fen: totalFen,
              state: "succeeded",
              notify_state: "confirmed",
              notify_number: 1,
            },
      ),
    ),
    ...compare("D1, incidents", incidents, []),
  ];
}

/** WeChat has the same orders and refunds, each requested once, and nothing else. */
function wechatDifferences({ merchant, completed, storage }: LoadResult): readonly string[] {
  const orders = readLocal(
    storage.sandbox,
    "prepays",
    `select out_trade_no as number, app_id, total_fee, state, transaction_id, prepay_calls from orders where mch_id = '${merchant.mchId}'`,
  );
  const refunds = readLocal(
    storage.sandbox,
    "prepays",
    `select out_refund_no as number, out_trade_no, refund_id, refund_fee, status, calls from refunds where mch_id = '${merchant.mchId}'`,
  );
  return [
    ...compare(
      "WeChat",
      orders,
      completed.map(({ order, totalFen, transactionId, refund }) => ({
        number: order.orderNumber,
        app_id: merchant.wechatAppId,
        total_fee: totalFen,
        state: refund === null ? "SUCCESS" : "REFUND",
        transaction_id: transactionId,
        prepay_calls: 1,
      })),
    ),
    ...compare(
      "WeChat, refunds",
      refunds,
      completed.flatMap(({ order, refund, totalFen }) =>
        refund === null
          ? []
          : {
              number: refund.refund_no,
              out_trade_no: order.orderNumber,
              refund_id: refund.refund_id,
              refund_fee: totalFen,
              status: "SUCCESS",
              calls: 1,
            },
      ),
    ),
  ];
}

/** Each app's own query shows the expected order. */
async function viewDifferences({ completed }: LoadResult): Promise<readonly string[]> {
  const faults: string[] = [];
  await inParallel(completed, 8, async (one) => {
    const answer = await one.app.client.order({ order_id: one.order.orderId });
    const fault = answer.code === 0 ? viewFault(answer.data, one) : answer.errmsg;
    if (fault !== null) faults.push(`${one.order.orderNumber}, as its app sees it: ${fault}`);
  });
  return faults;
}

function viewFault(view: OrderView, completed: CompletedOrder): string | null {
  const { app, order, refund } = completed;
  const expected = {
    pay_order_number: order.orderNumber,
    app_id: app.client.id,
    total_free: completed.totalFen,
    attach: completed.attach,
    transaction_id: completed.transactionId,
    pay_state: "2",
    pay_notify_state: "2",
    pay_notify_number: 1,
    ref_state: refund === null ? "0" : "4",
    ref_notify_state: refund === null ? "0" : "2",
    ref_notify_number: refund === null ? 0 : 1,
    refund_no: refund?.refund_no ?? null,
    refund_id: refund?.refund_id ?? null,
    refund_free: refund === null ? 0 : completed.totalFen,
  };
  const wrong = Object.entries(expected).find(([name, value]) => Reflect.get(view, name) !== value);
  return wrong === undefined ? null : `${wrong[0]} is not ${String(wrong[1])}`;
}

/** Compares rows by their `number`. */
function compare(place: string, rows: readonly Row[], expected: readonly Row[]): readonly string[] {
  const due = new Map(expected.map((row) => [row["number"], row]));
  const faults: string[] = [];
  for (const row of rows) {
    const wanted = due.get(row["number"]);
    due.delete(row["number"]);
    if (wanted === undefined) faults.push(`${place}: extra ${JSON.stringify(row)}`);
    else if (!isDeepStrictEqual({ ...row }, { ...wanted })) {
      faults.push(`${place}: ${JSON.stringify(row)} instead of ${JSON.stringify(wanted)}`);
    }
  }
  return [...faults, ...[...due.keys()].map((number) => `${place}: ${String(number)} is missing`)];
}
