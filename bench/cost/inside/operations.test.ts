import { runDurableObjectAlarm } from "cloudflare:test";
import { afterAll, beforeAll, test, type TestContext } from "vitest";
import { advance } from "../../../test/support/clock.ts";
import {
  makeOrder,
  objectOf,
  refund,
  refundOf,
  rowOf,
  timersOf,
  view,
  type Made,
} from "../../../test/support/life.ts";
import { notifyPayment, notifyRefund } from "../../../test/support/notices.ts";
import { closeWorld, openWorld, type World } from "../../../test/support/world.ts";
import { sumOf, type CostLine, type Counts } from "../counts.ts";
import { metered, startMeter } from "./meter.ts";

/** How long a payer takes, roughly; only the order of the timers depends on it. */
const PAYMENT_DELAY_MS = 20_000;

let world: World;
let payers = 0;

beforeAll(async () => {
  world = await openWorld();
  await startMeter();
  // The app's settings are cached from here on, as in a busy isolate.
  await makeOrder(world, knownPayer());
});

afterAll(closeWorld);

function knownPayer(): { openId: string } {
  return { openId: "payer-known" };
}

function newPayer(): { openId: string } {
  payers += 1;
  return { openId: `payer-${payers}` };
}

/** Passes lines of the table to the reporter. */
function report(context: TestContext, kind: CostLine["kind"], lines: Record<string, Counts>): void {
  context.task.meta.costs = [
    ...(context.task.meta.costs ?? []),
    ...Object.entries(lines).map(([name, counts]) => ({ name, kind, counts })),
  ];
}

/** Creates an order; returns it with the counts. */
async function create(values: Readonly<Record<string, string>>): Promise<[Made, Counts]> {
  let made: Made | undefined;
  const counts = await metered(async () => {
    made = await makeOrder(world, values);
  });
  if (made === undefined) throw new Error("no order was made");
  return [made, counts];
}

async function pay(made: Made): Promise<Counts> {
  advance(PAYMENT_DELAY_MS);
  const paid = world.wechat.pay(made.number);
  return await metered(async () => {
    if (!(await notifyPayment(world.shop, made.number, paid))) throw new Error("not acknowledged");
  });
}

/** Runs the alarm once, when it is due. */
async function runAlarm(made: Made): Promise<Counts> {
  const [earliest] = await timersOf(made);
  if (earliest === undefined) throw new Error("nothing is armed");
  advance(Math.max(0, earliest.dueAt - Date.now()));
  return await metered(async () => {
    if (!(await runDurableObjectAlarm(objectOf(made)))) throw new Error("no alarm was set");
  });
}

/** Runs alarms until no timer and no alarm is left. */
async function runAllAlarms(made: Made): Promise<Counts> {
  const parts: Counts[] = [];
  while ((await timersOf(made)).length > 0) parts.push(await runAlarm(made));
  parts.push(await metered(async () => await runDurableObjectAlarm(objectOf(made))));
  return sumOf(parts);
}

test("counts an order that is paid", async (context) => {
  const [made, createNew] = await create(newPayer());
  const notified = await pay(made);
  const delivered = await runAlarm(made);
  const rest = await runAllAlarms(made);
  if ((await rowOf(made)).payNotifyState !== "confirmed") throw new Error("not delivered");
  const query = await metered(async () => await view(world, made));
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
  report(context, "order", {
    "created, paid, delivered; new payer": sumOf([createNew, ...afterwards]),
    "created, paid, delivered; known payer": sumOf([createKnown, ...afterwards]),
    "with appOrderNo, known payer": sumOf([createNamed, ...afterwards]),
  });
});

test("counts an order that is refunded", async (context) => {
  const [made, created] = await create(newPayer());
  const paid = sumOf([created, await pay(made), await runAlarm(made), await runAllAlarms(made)]);
  // A refund comes days later, when the isolate's caches have expired.
  advance(24 * 3600_000);
  await view(world, made);
  const requested = await metered(async () => await refund(world, made));
  advance(5_000);
  const { number } = await refundOf(made);
  world.wechat.refund(number).status = "SUCCESS";
  const notification = {
    out_trade_no: made.number,
    out_refund_no: number,
    refund_status: "SUCCESS",
  };
  const notified = await metered(async () => {
    if (!(await notifyRefund(world.shop, notification))) throw new Error("not acknowledged");
  });
  const delivered = await runAlarm(made);
  const rest = await runAllAlarms(made);
  if ((await refundOf(made)).notifyState !== "confirmed") throw new Error("not delivered");
  report(context, "operation", {
    "refund request": requested,
    "refund notification and outcome": notified,
    "delivery of the refund": delivered,
    "alarms after a refund": rest,
  });
  report(context, "order", {
    "created, paid, delivered, refunded; new payer": sumOf([
      paid,
      requested,
      notified,
      delivered,
      rest,
    ]),
  });
});

test("counts an order that is never paid", async (context) => {
  const [made, created] = await create(newPayer());
  const queries = [await runAlarm(made), await runAlarm(made), await runAlarm(made)];
  const expired = await runAllAlarms(made);
  if ((await rowOf(made)).payState !== "failed") throw new Error("not failed");
  report(context, "operation", {
    "queries of a waiting order (three)": sumOf(queries),
    "expiry: query, close, query, fail": expired,
  });
  report(context, "order", {
    "created, never paid; new payer": sumOf([created, ...queries, expired]),
  });
});
