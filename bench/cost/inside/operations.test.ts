import { runDurableObjectAlarm } from "cloudflare:test";
import { afterAll, beforeAll, test, type TestContext } from "vitest";
import { advance } from "../../../test/support/clock.ts";
import {
  makeOrder,
  objectOf,
  requestRefund,
  refundOf,
  rowOf,
  timersOf,
  viewOrder,
  type OrderRef,
} from "../../../test/support/scenario.ts";
import { notifyPayment, notifyRefund } from "../../../test/support/notifications.ts";
import { closeScene, openScene, type Scene } from "../../../test/support/scene.ts";
import { sumOf, type Costed, type Counts } from "../counts.ts";
import { metered, startMeter } from "./meter.ts";

/** A payer takes about this long; nothing here depends on it but the order of the timers. */
const PAYER_MS = 20_000;

let world: Scene;
let payers = 0;

beforeAll(async () => {
  world = await openScene();
  await startMeter();
  // The app's settings are known from here on, as they are in a busy isolate.
  await makeOrder(world, knownPayer());
});

afterAll(closeScene);

function knownPayer(): { openId: string } {
  return { openId: "payer-known" };
}

function newPayer(): { openId: string } {
  payers += 1;
  return { openId: `payer-${payers}` };
}

/** Hands a table's lines to the reporter. */
function report(context: TestContext, kind: Costed["kind"], lines: Record<string, Counts>): void {
  context.task.meta.costed = [
    ...(context.task.meta.costed ?? []),
    ...Object.entries(lines).map(([name, counts]) => ({ name, kind, counts })),
  ];
}

/** An order and what making it cost. */
async function create(values: Readonly<Record<string, string>>): Promise<[OrderRef, Counts]> {
  let made: OrderRef | undefined;
  const counts = await metered(async () => {
    made = await makeOrder(world, values);
  });
  if (made === undefined) throw new Error("no order was made");
  return [made, counts];
}

async function pay(made: OrderRef): Promise<Counts> {
  advance(PAYER_MS);
  const paid = world.wechat.pay(made.number);
  return await metered(async () => {
    if (!(await notifyPayment(world.shop, made.number, paid))) throw new Error("not acknowledged");
  });
}

/** The alarm goes off once, when it is due. */
async function wake(made: OrderRef): Promise<Counts> {
  const [earliest] = await timersOf(made);
  if (earliest === undefined) throw new Error("nothing is armed");
  advance(Math.max(0, earliest.dueAt - Date.now()));
  return await metered(async () => {
    if (!(await runDurableObjectAlarm(objectOf(made)))) throw new Error("no alarm was set");
  });
}

/** Alarms until nothing is armed and no alarm is set: what an order costs when all is over. */
async function wakeToTheEnd(made: OrderRef): Promise<Counts> {
  const parts: Counts[] = [];
  while ((await timersOf(made)).length > 0) parts.push(await wake(made));
  parts.push(await metered(async () => await runDurableObjectAlarm(objectOf(made))));
  return sumOf(parts);
}

test("a paid order", async (context) => {
  const [made, createNew] = await create(newPayer());
  const notified = await pay(made);
  const delivered = await wake(made);
  const rest = await wakeToTheEnd(made);
  if ((await rowOf(made)).payNotifyState !== "confirmed") throw new Error("not delivered");
  const query = await metered(async () => await viewOrder(world, made));
  const [, createKnown] = await create(knownPayer());
  const [, createNamed] = await create({ ...knownPayer(), appOrderNo: "shop-0001" });
  report(context, "operation", {
    "create-order, new payer": createNew,
    "create-order, known payer": createKnown,
    "create-order with appOrderNo, known payer": createNamed,
    "order query": query,
    "payment notification": notified,
    "delivery to the app": delivered,
    "alarms after a delivery": rest,
  });
  const afterwards = [notified, delivered, rest];
  report(context, "life", {
    "created, paid, delivered; new payer": sumOf([createNew, ...afterwards]),
    "created, paid, delivered; known payer": sumOf([createKnown, ...afterwards]),
    "with appOrderNo, known payer": sumOf([createNamed, ...afterwards]),
  });
});

test("a refunded order", async (context) => {
  const [made, created] = await create(newPayer());
  const paid = sumOf([created, await pay(made), await wake(made), await wakeToTheEnd(made)]);
  // A refund comes days later, when what the isolate remembers is long forgotten.
  advance(24 * 3600_000);
  await viewOrder(world, made);
  const requested = await metered(async () => await requestRefund(world, made));
  advance(5_000);
  const { number } = await refundOf(made);
  world.wechat.refund(number).status = "SUCCESS";
  const news = { out_trade_no: made.number, out_refund_no: number, refund_status: "SUCCESS" };
  const notified = await metered(async () => {
    if (!(await notifyRefund(world.shop, news))) throw new Error("not acknowledged");
  });
  const delivered = await wake(made);
  const rest = await wakeToTheEnd(made);
  if ((await refundOf(made)).notifyState !== "confirmed") throw new Error("not delivered");
  report(context, "operation", {
    "refund request": requested,
    "refund notification and outcome": notified,
    "delivery of the refund": delivered,
    "alarms after a refund": rest,
  });
  report(context, "life", {
    "created, paid, delivered, refunded; new payer": sumOf([
      paid,
      requested,
      notified,
      delivered,
      rest,
    ]),
  });
});

test("an order that nobody pays", async (context) => {
  const [made, created] = await create(newPayer());
  const asks = [await wake(made), await wake(made), await wake(made)];
  const expired = await wakeToTheEnd(made);
  if ((await rowOf(made)).payState !== "failed") throw new Error("not failed");
  report(context, "operation", {
    "asks about a waiting order (three)": sumOf(asks),
    "expiry: ask, close, ask, fail": expired,
  });
  report(context, "life", { "created, never paid; new payer": sumOf([created, ...asks, expired]) });
});
