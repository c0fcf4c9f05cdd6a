import { isDeepStrictEqual } from "node:util";
import type { AppClient } from "../../testkit/app-client.ts";
import type { OrderView } from "../../testkit/contract.ts";
import { inParallel } from "../support/pool.ts";
import { readLocal, type Row } from "../support/sqlite.ts";
import type { Heard } from "./receiver-process.ts";
import type { Lived } from "./order-run.ts";
import type { LoadShop } from "./targets.ts";

/** What the databases and the apps hold at the end. */
export interface End {
  readonly shop: LoadShop;
  readonly lives: readonly Lived[];
  readonly heard: readonly Heard[];
  /** Where the two Workers keep their storage. */
  readonly storage: { readonly gateway: string; readonly sandbox: string };
  readonly clientOf: (app: Lived["app"]) => AppClient;
}

/** All differences between what must be and what is; none when all is well. */
export async function differences(end: End): Promise<readonly string[]> {
  return [
    ...callbackDifferences(end),
    ...recordDifferences(end),
    ...bookDifferences(end),
    ...(await viewDifferences(end)),
  ];
}

/** The apps heard what they had to hear, each thing once, and nothing else. */
function callbackDifferences({ lives, heard }: End): readonly string[] {
  const expected = new Map(lives.flatMap((life) => callbacksOf(life)));
  const faults: string[] = [];
  for (const { path, fields, signed, webhookSigned } of heard) {
    const { timestamp, sign, ...told } = fields;
    const eventId = told["eventId"] ?? "";
    const due = expected.get(eventId);
    expected.delete(eventId);
    const expectedPath = `/${told["appId"]}/${told["event"]}`;
    if (due === undefined)
      faults.push(`${eventId}: told, though nothing was to be told (any more)`);
    else if (!isDeepStrictEqual(told, due)) faults.push(`${eventId}: told ${JSON.stringify(told)}`);
    if (path !== expectedPath) faults.push(`${eventId}: told at ${path}`);
    if (timestamp === undefined || sign === undefined || !signed || !webhookSigned) {
      faults.push(`${eventId}: wrongly signed`);
    }
  }
  return [...faults, ...[...expected.keys()].map((eventId) => `${eventId}: not told`)];
}

function callbacksOf(life: Lived): [string, Readonly<Record<string, string>>][] {
  const { app, order, totalFen, attach, transactionId, refund } = life;
  const common = {
    appId: String(app.id),
    order_id: String(order.orderId),
    pay_order_number: order.orderNumber,
    attach,
    total_free: String(totalFen),
    pay_state: "2",
    transaction_id: transactionId,
  };
  const paid = `pay_${order.orderNumber}`;
  const told: [string, Readonly<Record<string, string>>][] = [
    [paid, { ...common, event: "pay", eventId: paid }],
  ];
  if (refund === null) return told;
  const eventId = `refund_${refund.refund_no}_succeeded`;
  const refunded = {
    refund_no: refund.refund_no,
    refund_id: refund.refund_id,
    refund_free: String(totalFen),
    ref_state: "4",
  };
  return [...told, [eventId, { ...common, event: "refund", eventId, ...refunded }]];
}

/** D1 holds each order and refund once, in its last state, and nothing else. */
function recordDifferences({ lives, storage }: End): readonly string[] {
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
      lives.map(({ app, order, totalFen, transactionId }) => ({
        number: order.orderNumber,
        id: order.orderId,
        app_id: app.id,
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
      lives.flatMap(({ refund, totalFen }) =>
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

/** WeChat's books hold the same orders and refunds, each made by one call, and nothing else. */
function bookDifferences({ shop, lives, storage }: End): readonly string[] {
  const orders = readLocal(
    storage.sandbox,
    "prepays",
    `select out_trade_no as number, app_id, total_fee, state, transaction_id, prepay_calls from orders where mch_id = '${shop.mchId}'`,
  );
  const refunds = readLocal(
    storage.sandbox,
    "prepays",
    `select out_refund_no as number, out_trade_no, refund_id, refund_fee, status, calls from refunds where mch_id = '${shop.mchId}'`,
  );
  return [
    ...compare(
      "WeChat",
      orders,
      lives.map(({ order, totalFen, transactionId, refund }) => ({
        number: order.orderNumber,
        app_id: shop.wechatAppId,
        total_fee: totalFen,
        state: refund === null ? "SUCCESS" : "REFUND",
        transaction_id: transactionId,
        prepay_calls: 1,
      })),
    ),
    ...compare(
      "WeChat, refunds",
      refunds,
      lives.flatMap(({ order, refund, totalFen }) =>
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

/** Each app sees its orders as they are. */
async function viewDifferences({ lives, clientOf }: End): Promise<readonly string[]> {
  const faults: string[] = [];
  await inParallel(lives, 8, async (life) => {
    const answer = await clientOf(life.app).order({ order_id: life.order.orderId });
    const fault = answer.code === 0 ? viewFault(answer.data, life) : answer.errmsg;
    if (fault !== null) faults.push(`${life.order.orderNumber}, as its app sees it: ${fault}`);
  });
  return faults;
}

function viewFault(view: OrderView, life: Lived): string | null {
  const { refund } = life;
  const expected = {
    pay_order_number: life.order.orderNumber,
    app_id: life.app.id,
    total_free: life.totalFen,
    attach: life.attach,
    transaction_id: life.transactionId,
    pay_state: "2",
    pay_notify_state: "2",
    pay_notify_number: 1,
    ref_state: refund === null ? "0" : "4",
    ref_notify_state: refund === null ? "0" : "2",
    ref_notify_number: refund === null ? 0 : 1,
    refund_no: refund?.refund_no ?? null,
    refund_id: refund?.refund_id ?? null,
    refund_free: refund === null ? 0 : life.totalFen,
  };
  const wrong = Object.entries(expected).find(([name, value]) => Reflect.get(view, name) !== value);
  return wrong === undefined ? null : `${wrong[0]} isn't ${String(wrong[1])}`;
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
