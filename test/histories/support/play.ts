import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { OrderRow } from "../../../src/db/rows.ts";
import { advance } from "../../support/clock.ts";
import { create, payEarly } from "./play-create.ts";
import { forge, pry } from "./play-foul.ts";
import { refund } from "./play-refund.ts";
import { view } from "./play-view.ts";
import { claim } from "./claim.ts";
import { crash, ledger, objectOf, runAlarm, type Scene } from "./scene.ts";
import { askAdmin } from "./shop.ts";
import type { Action, Step } from "./steps.ts";

/** A prepay_id is good for two hours (WeChat: JSAPI). */
const PREPAY_LIFE_MS = 2 * 3600_000;

/** Does what a step says. What can't be done now (no such order yet) is left out. */
export async function play(scene: Scene, step: Step): Promise<void> {
  switch (step.do) {
    case "together": {
      const begin = step.actions.map((action) => async () => await act(scene, action, false));
      await scene.wires.together(begin, step.turns, step.crashAt, async () => await crash(scene));
      return;
    }
    case "pay early":
      await payEarly(scene, step.app);
      return;
    case "close at wechat":
      await withOrder(scene, step.order, async ({ number }) => {
        await ledger().closeByWeChat(number);
      });
      return;
    case "notify again":
      await withOrder(scene, step.order, async ({ number }) => {
        await ledger().notifyPaymentAgain(number);
      });
      return;
    case "decide":
      await withRefund(scene, step.refund, async (number) => {
        await ledger().decideRefund(number, step.end, step.notify);
      });
      return;
    case "notify refund again":
      await withRefund(scene, step.refund, async (number) => {
        await ledger().notifyRefundAgain(number);
      });
      return;
    case "call fault": {
      const { path, fault } = step;
      const code = fault === "refuse" ? { errCode: REFUSALS[path] ?? "NOAUTH" } : {};
      await ledger().addFault({ on: "call", path, fault, times: 1, ...code });
      return;
    }
    case "line fault":
      scene.wires.loseCall(step.fault);
      return;
    case "notice fault":
      await ledger().addFault({ on: "notification", kind: step.kind, fault: step.fault, times: 1 });
      return;
    case "d1 fault":
      scene.wires.loseTrip(step.fault, step.after);
      return;
    case "app replies":
      scene.apps.reply(step.replies);
      return;
    case "forge":
      await forge(scene, step);
      return;
    case "pry":
      await withOrder(scene, step.order, async (order) => await pry(scene, order, step.refund));
      return;
    case "wait":
      advance(step.seconds * 1000);
      return;
    case "next":
      await withOrder(scene, step.order, async ({ number }) => {
        await runNext(number);
      });
      return;
    case "evict":
      await withOrder(scene, step.order, async ({ number }) => {
        // Only one that is in memory can be evicted: so it is called first.
        await objectOf(number).history();
        await evictDurableObject(objectOf(number));
      });
      return;
    case "crash":
      await crash(scene);
      return;
    case "pay":
    case "pay late":
    case "create":
    case "refund":
    case "view":
    case "notices":
    case "alarm":
    case "operator":
      await act(scene, step, true);
  }
}

/** `alone` when nothing else goes on meanwhile: then the answer can be judged to the letter. */
async function act(scene: Scene, action: Action, alone: boolean): Promise<void> {
  switch (action.do) {
    case "pay":
      await withOrder(scene, action.order, async (order) => {
        await pay(scene, order, action.notify, alone);
      });
      return;
    case "pay late":
      await withOrder(scene, action.order, async (order) => await payLate(scene, order));
      return;
    case "create":
      await create(scene, action, alone);
      return;
    case "refund":
      await withOrder(scene, action.order, async (order) => {
        await refund(scene, order, action, alone);
      });
      return;
    case "view":
      await withOrder(scene, action.order, async (order) => {
        await view(scene, order, action, alone);
      });
      return;
    case "notices":
      await runAlarm(scene, ledger);
      return;
    case "alarm":
      await withOrder(scene, action.order, async ({ number }) => {
        await runAlarm(scene, () => objectOf(number));
      });
      return;
    case "operator":
      await withOrder(scene, action.order, async (order) => {
        const [deed, event] = action.deed.split(" ");
        const response = await askAdmin(`/orders/${order.id}/${deed}`, event ? { event } : {});
        scene.seen.push(await response.text());
      });
  }
}

/** What a merchant's refusals look like, call by call; the refund's may end when money is there. */
const REFUSALS: Readonly<Record<string, string>> = { refund: "NOTENOUGH", unifiedorder: "NOAUTH" };

async function pay(
  { bridges }: Scene,
  { number }: OrderRow,
  notify: boolean,
  alone: boolean,
): Promise<void> {
  const given = bridges.get(number)?.at(-1);
  // Nobody can pay without the parameters that the app was given.
  if (given === undefined) return;
  const order = await ledger().order(number);
  const outcome = await ledger().pay(number, { notify, bridge: given.bridge });
  const fresh = order?.state === "NOTPAY" && Date.now() - given.givenAt <= PREPAY_LIFE_MS;
  const why = outcome.ok ? "" : outcome.error.message;
  claim(
    outcome.ok || !fresh || !alone,
    "answer",
    `an order can't be paid with what was handed out: ${why}`,
  );
}

/** WeChat's books forget that the order was closed, and it is paid at once. */
async function payLate({ bridges }: Scene, { number }: OrderRow): Promise<void> {
  if (!bridges.has(number)) return;
  await runInDurableObject(ledger(), (_ledger, { storage }) => {
    const reopen = "update orders set state = 'NOTPAY' where state = 'CLOSED' and out_trade_no = ?";
    storage.sql.exec(reopen, number);
  });
  await ledger().pay(number, { notify: true });
}

/** Moves the clock to the object's next alarm, if it has one, and runs it. */
async function runNext(number: string): Promise<void> {
  const dueAt = await alarmOf(objectOf(number));
  if (dueAt === null) return;
  vi.setSystemTime(Math.max(Date.now(), dueAt));
  await runDurableObjectAlarm(objectOf(number));
}

/** When an object's alarm goes off, Unix ms; null when it has none. */
export async function alarmOf(stub: DurableObjectStub): Promise<number | null> {
  return await runInDurableObject(stub, async (_object, state) => await state.storage.getAlarm());
}

async function withOrder(
  { books }: Scene,
  pick: number,
  deed: (order: OrderRow) => Promise<void>,
): Promise<void> {
  const order = books.orders[pick % Math.max(books.orders.length, 1)];
  if (order !== undefined) await deed(order);
}

async function withRefund(
  { books }: Scene,
  pick: number,
  deed: (number: string) => Promise<void>,
): Promise<void> {
  const numbers = [...books.wechatRefunds.keys()];
  const number = numbers[pick % Math.max(numbers.length, 1)];
  if (number !== undefined) await deed(number);
}
