import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { OrderRow } from "../../../src/db/rows.ts";
import { advance } from "../../support/clock.ts";
import { postForgery, requestForeignOrder } from "./interpreter-attack.ts";
import { create, notifyBeforePaid } from "./interpreter-create.ts";
import { refund, refundInPlatform } from "./interpreter-refund.ts";
import { view } from "./interpreter-view.ts";
import { assertInvariant } from "./invariants.ts";
import { requestAsOperator } from "./merchant.ts";
import { crash, ledger, orderObject, runAlarm, type Simulation } from "./simulation.ts";
import type { Action, Step } from "./steps.ts";

/** A prepay_id is valid for two hours (WeChat: JSAPI). */
const PREPAY_MAX_AGE_MS = 2 * 3600_000;

/** Executes a step. A step that is impossible now, such as one before the first order, is skipped. */
export async function interpret(simulation: Simulation, step: Step): Promise<void> {
  const { network } = simulation;
  switch (step.type) {
    case "concurrently": {
      const actions = step.actions.map(
        (action) => async () => await act(simulation, action, false),
      );
      await network.runConcurrently(
        actions,
        step.turns,
        step.crashAtTurn,
        async () => await crash(simulation),
      );
      return;
    }
    case "notify before paid":
      await notifyBeforePaid(simulation, step.app);
      return;
    case "close at WeChat":
      await withOrder(simulation, step.order, async ({ number }) => {
        await ledger().closeByWeChat(number);
      });
      return;
    case "repeat payment notification":
      await withOrder(simulation, step.order, async ({ number }) => {
        await ledger().notifyPaymentAgain(number);
      });
      return;
    case "decide refund":
      await withRefund(simulation, step.refund, async (number) => {
        await ledger().decideRefund(number, step.outcome, step.notify);
      });
      return;
    case "repeat refund notification":
      await withRefund(simulation, step.refund, async (number) => {
        await ledger().notifyRefundAgain(number);
      });
      return;
    case "call fault": {
      const { path, fault } = step;
      const code = fault === "refuse" ? { errCode: ERROR_CODES[path] ?? "NOAUTH" } : {};
      await ledger().addFault({ on: "call", path, fault, times: 1, ...code });
      return;
    }
    case "connection fault":
      network.failNextCall(step.fault);
      return;
    case "notification fault":
      await ledger().addFault({ on: "notification", kind: step.kind, fault: step.fault, times: 1 });
      return;
    case "D1 fault":
      network.failD1(step.fault, step.after);
      return;
    case "app responses":
      simulation.apps.respondWith(step.responses);
      return;
    case "forged notification":
      await postForgery(simulation, step);
      return;
    case "foreign app request":
      await withOrder(simulation, step.order, async (order) => {
        await requestForeignOrder(simulation, order, step.refund);
      });
      return;
    case "advance clock":
      advance(step.seconds * 1000);
      return;
    case "run next timer":
      await withOrder(simulation, step.order, async ({ number }) => {
        await runNextTimer(number);
      });
      return;
    case "evict object":
      await withOrder(simulation, step.order, async ({ number }) => {
        // Only an object in memory can be evicted: the call loads it.
        await orderObject(number).history();
        await evictDurableObject(orderObject(number));
      });
      return;
    case "crash":
      await crash(simulation);
      return;
    case "pay":
    case "pay late":
    case "create":
    case "refund":
    case "platform refund":
    case "view":
    case "deliver notifications":
    case "run alarm":
    case "operator request":
      await act(simulation, step, true);
  }
}

/** `isAlone`: nothing runs concurrently, so the exact answer is known. */
async function act(simulation: Simulation, action: Action, isAlone: boolean): Promise<void> {
  switch (action.type) {
    case "pay":
      await withOrder(simulation, action.order, async (order) => {
        await pay(simulation, order, action.notify, isAlone);
      });
      return;
    case "pay late":
      await withOrder(simulation, action.order, async (order) => {
        await payLate(simulation, order);
      });
      return;
    case "create":
      await create(simulation, action, isAlone);
      return;
    case "refund":
      await withOrder(simulation, action.order, async (order) => {
        await refund(simulation, order, action, isAlone);
      });
      return;
    case "platform refund":
      await withOrder(simulation, action.order, async (order) => {
        await refundInPlatform(simulation, order, action.percent);
      });
      return;
    case "view":
      await withOrder(simulation, action.order, async (order) => {
        await view(simulation, order, action, isAlone);
      });
      return;
    case "deliver notifications":
      await runAlarm(simulation, ledger);
      return;
    case "run alarm":
      await withOrder(simulation, action.order, async ({ number }) => {
        await runAlarm(simulation, () => orderObject(number));
      });
      return;
    case "operator request":
      await withOrder(simulation, action.order, async (order) => {
        const [operation, event] = action.operation.split(" ");
        const path = `/orders/${order.id}/${operation}`;
        const response = await requestAsOperator(path, event ? { event } : {});
        simulation.output.push(await response.text());
      });
  }
}

/** The error code with which a call is refused. A refund refused with NOTENOUGH may succeed later. */
const ERROR_CODES: Readonly<Record<string, string>> = {
  refund: "NOTENOUGH",
  unifiedorder: "NOAUTH",
};

async function pay(
  { bridges }: Simulation,
  { number }: OrderRow,
  notify: boolean,
  isAlone: boolean,
): Promise<void> {
  const issued = bridges.get(number)?.at(-1);
  // The payer can't pay before the app has the bridge parameters.
  if (issued === undefined) return;
  const order = await ledger().order(number);
  const result = await ledger().pay(number, { notify, bridge: issued.bridge });
  const isPayable = order?.state === "NOTPAY" && Date.now() - issued.issuedAt <= PREPAY_MAX_AGE_MS;
  const reason = result.ok ? "" : result.error.message;
  assertInvariant(
    result.ok || !isPayable || !isAlone,
    "contract",
    `WeChat refuses the bridge parameters of an unpaid order: ${reason}`,
  );
}

/** Reopens a closed order in WeChat's ledger and pays it, as a payment in progress does. */
async function payLate({ bridges }: Simulation, { number }: OrderRow): Promise<void> {
  if (!bridges.has(number)) return;
  await runInDurableObject(ledger(), (_ledger, { storage }) => {
    const reopen = "update orders set state = 'NOTPAY' where state = 'CLOSED' and out_trade_no = ?";
    storage.sql.exec(reopen, number);
  });
  await ledger().pay(number, { notify: true });
}

/** Advances the clock to the object's alarm and runs it, if one is set. */
async function runNextTimer(number: string): Promise<void> {
  const dueAt = await alarmAt(orderObject(number));
  if (dueAt === null) return;
  vi.setSystemTime(Math.max(Date.now(), dueAt));
  await runDurableObjectAlarm(orderObject(number));
}

/** When the object's alarm is due, Unix ms; null when none is set. */
export async function alarmAt(stub: DurableObjectStub): Promise<number | null> {
  return await runInDurableObject(stub, async (_object, state) => await state.storage.getAlarm());
}

async function withOrder(
  { snapshot }: Simulation,
  index: number,
  run: (order: OrderRow) => Promise<void>,
): Promise<void> {
  const order = snapshot.orders[index % Math.max(snapshot.orders.length, 1)];
  if (order !== undefined) await run(order);
}

async function withRefund(
  { snapshot }: Simulation,
  index: number,
  run: (number: string) => Promise<void>,
): Promise<void> {
  const numbers = [...snapshot.wechatRefunds.keys()];
  const number = numbers[index % Math.max(numbers.length, 1)];
  if (number !== undefined) await run(number);
}
