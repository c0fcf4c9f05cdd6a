import { env } from "cloudflare:workers";
import type { OrderRow, RefundRow } from "../../../src/db/rows.ts";
import type { AppCall } from "./app-servers.ts";
import { isPaid } from "./books.ts";
import { claim } from "./claim.ts";
import { isNews, objectOf, type Scene } from "./scene.ts";

/** Calls that the schedule makes for one event (README: retries). */
const SCHEDULE_CALLS = 16;

/** Holds the settled world to what must be so in the end. */
export async function judgeEnd(scene: Scene): Promise<void> {
  const { books, bridges } = scene;
  for (const order of books.orders) {
    const paid = isPaid(books.wechatOrders.get(order.number));
    claim(
      (order.payState === "paid") === paid,
      "4",
      `${order.payState}, and WeChat says otherwise`,
    );
    claim(order.payState !== "waiting", "end", "an order waits for ever");
    judgePayCalls(scene, order);
    await judgeObject(scene, order);
  }
  for (const number of bridges.keys()) {
    const known = books.orders.some((order) => order.number === number);
    claim(known, "end", "a payer was sent to pay an order that D1 hasn't");
  }
  for (const refund of books.refunds) {
    const over = ["succeeded", "closed", "refused"].includes(refund.state);
    claim(over, "4", `a refund is ${refund.state} for ever`);
    judgeRefundCalls(scene, refund);
  }
  for (const call of scene.apps.calls) claim(call.authentic, "5", "a call was not rightly signed");
  await judgeSecrets(scene);
}

function judgePayCalls(scene: Scene, order: OrderRow): void {
  const calls = scene.apps.calls.filter(
    ({ event, fields }) => event === "pay" && fields.get("pay_order_number") === order.number,
  );
  countsFit(scene, calls, order.payNotifyNumber);
  if (order.payState !== "paid") {
    claim(calls.length === 0, "5", "an app was told of a payment that never was");
    return;
  }
  const told = order.payNotifyState === "confirmed" || order.payNotifyNumber >= SCHEDULE_CALLS;
  claim(told, "5", `a paid order's app was called ${order.payNotifyNumber} times and no more`);
  for (const { appId, fields } of calls) {
    const isSo =
      appId === order.appId &&
      fields.get("appId") === String(order.appId) &&
      fields.get("order_id") === String(order.id) &&
      fields.get("eventId") === `pay_${order.number}` &&
      fields.get("total_free") === String(order.totalFen) &&
      fields.get("transaction_id") === order.transactionId &&
      fields.get("pay_state") === "2";
    claim(isSo, "5", "an app was told something else of its payment");
  }
}

/** The states that an app may be told of, by what WeChat must have said. */
const TOLD: Readonly<Record<string, readonly string[]>> = {
  "3": ["CHANGE", "REFUNDCLOSE"],
  "4": ["SUCCESS"],
};

function judgeRefundCalls(scene: Scene, refund: RefundRow): void {
  const calls = scene.apps.calls.filter(
    ({ event, fields }) => event === "refund" && fields.get("refund_no") === refund.number,
  );
  countsFit(scene, calls, refund.notifyNumber);
  if (isNews(refund.state)) {
    const told = refund.notifyState === "confirmed" || refund.notifyNumber >= SCHEDULE_CALLS;
    claim(told, "5", `a refund's app was called ${refund.notifyNumber} times and no more`);
  }
  const events = new Map<string, string>();
  for (const { appId, fields } of calls) {
    const state = fields.get("ref_state") ?? "";
    const statuses = scene.statuses.get(refund.number) ?? new Set();
    const isSo =
      appId === refund.appId &&
      fields.get("refund_free") === String(refund.refundFen) &&
      fields.get("refund_id") === refund.refundId &&
      (fields.get("app_refund_no") ?? null) === refund.appRefundNo &&
      TOLD[state]?.some((status) => new Set<string>(statuses).has(status)) === true;
    claim(isSo, "5", "an app was told something else of its refund");
    const eventId = fields.get("eventId") ?? "";
    claim((events.get(eventId) ?? state) === state, "5", "one event told two states");
    events.set(eventId, state);
  }
}

/** Each call is counted before it is made, so a crash in between counts one that never was. */
function countsFit({ crashes }: Scene, calls: readonly AppCall[], count: number): void {
  const fits = calls.length <= count && count <= calls.length + crashes;
  claim(fits, "5", `an app received ${calls.length} calls, and the count says ${count}`);
}

/** Nothing is left to do, and the timeline holds no secret. */
async function judgeObject(scene: Scene, { number }: OrderRow): Promise<void> {
  const history = await objectOf(number).history();
  scene.seen.push(JSON.stringify(history.entries));
  claim(history.timers.length === 0, "end", "a timer is left that nothing will come of");
}

async function judgeSecrets({ shop, seen, since, apps, books }: Scene): Promise<void> {
  const { results: incidents } = await env.DB.prepare("select * from incidents").all();
  const everything = [
    ...seen,
    ...apps.calls.map(({ body }) => body),
    JSON.stringify([books.orders, books.refunds, incidents, since]),
  ].join("\n");
  for (const secret of shop.secrets) {
    const where = everything.indexOf(secret);
    const around = everything.slice(Math.max(where - 80, 0), Math.max(where, 0));
    claim(where < 0, "9", `a secret can be seen after …${around}`);
  }
}
