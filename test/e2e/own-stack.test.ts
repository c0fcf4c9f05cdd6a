import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startStack, type Stack } from "../../testkit/stack/stack.ts";
import { dataOf } from "../../testkit/app-client.ts";
import type { CreatedOrder } from "../../testkit/contract.ts";
import { eventually } from "../../testkit/eventually.ts";
import {
  openShop,
  paidOrder,
  viewOf,
  viewWhen,
  type Closing,
  type Shop,
  type SignType,
} from "./support/shop.ts";
import { hurry } from "./support/stack-address.ts";
import { troubleCall } from "./support/wechat-faults.ts";

/** One way to sign of each protocol: a crash is alike for all. */
const PROTOCOLS = ["MD5", "RSA"] as const;

// A stack of its own: the gateway is killed, and WeChat fails for whoever calls it first. So these
// tests come one after the other.
describe("with a stack of its own", { concurrent: false }, () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack();
    await hurry(stack);
  });

  afterAll(async () => {
    await stack.stop();
  });

  it.for([
    ["systemerror", 1],
    ["systemerror-after", 2],
    ["drop-after", 2],
    ["wrong-signature", 2],
  ] as const)("an order survives %s in answer to its first call", async ([fault, calls], t) => {
    const { app, sandbox } = await openShop(t, { stack });
    await sandbox.addFault({ on: "call", path: "unifiedorder", fault });
    const order = dataOf(await app.createOrder());
    expect(await sandbox.order(order.orderNumber)).toMatchObject({ prepayCalls: calls });
  });

  it("an order whose first calls were all lost is found again by the app's own number", async (t) => {
    const shop = await openShop(t, { stack });
    const fault = { on: "call", path: "unifiedorder", fault: "drop-after", times: 2 };
    await shop.sandbox.addFault(fault);
    const wish = { appOrderNo: "no-1", desc: "lost and found" };
    expect(await shop.app.createOrder(wish)).toMatchObject({ code: 503 });
    const order = dataOf(await shop.app.createOrder(wish));
    const { orders } = await shop.sandbox.state();
    const made = orders.filter(({ body }) => body === "lost and found");
    expect(made.map(({ outTradeNo }) => outTradeNo)).toEqual([order.orderNumber]);
  });

  it("a notification that is faster than the order's own answer isn't lost", async (t) => {
    const shop = await openShop(t, { stack });
    await shop.sandbox.addFault({ on: "notification", kind: "pay", fault: "before-its-time" });
    const order = dataOf(await shop.app.createOrder());
    await shop.receiver.heard(order.orderNumber, "pay");
    const view = await viewWhen(shop, order, "told", ({ pay_notify_state: s }) => s === "2");
    expect(view).toMatchObject({ pay_state: "2", pay_notify_number: 1 });
  });

  // Everything that a crash can hit is prepared first; then the gateway is killed once and started
  // again on the same storage, and each test sees to one thing.
  describe("after a crash of the gateway", { concurrent: true }, () => {
    const closing: (() => Promise<void>)[] = [];
    const t: Closing = { onTestFinished: (close) => void closing.push(close) };
    const scenes = new Map<SignType, Scene>();
    const sceneOf = (signType: SignType): Scene => {
      const scene = scenes.get(signType);
      if (scene === undefined) throw new Error(`nothing was prepared for ${signType}`);
      return scene;
    };

    beforeAll(async () => {
      const prepared = await Promise.all(
        PROTOCOLS.map(async (signType) => {
          const open = async (): Promise<Shop> => await openShop(t, { stack, signType });
          return await prepare(await open(), await open());
        }),
      );
      await Promise.all(
        prepared.map(async (scene) => {
          scenes.set(scene.confirmed.shop.merchant.signType, await begin(scene));
        }),
      );
      await stack.killGateway();
      // WeChat tells a gateway that isn't there, and tells it again later.
      for (const { unpaid } of scenes.values()) {
        await unpaid.shop.sandbox.pay(unpaid.order.orderNumber);
      }
      await stack.startGateway();
    });

    afterAll(async () => {
      await Promise.all(closing.map(async (close) => await close()));
    });

    describe.each(PROTOCOLS)("of a merchant that signs with %s", (signType) => {
      it("an app that hadn't confirmed is called again", async () => {
        const { shop, order } = sceneOf(signType).untold;
        const [first] = shop.receiver.about(order.orderNumber);
        const second = await shop.receiver.heard(order.orderNumber, "pay", 2);
        expect(second).toMatchObject({ signed: true, webhookSigned: true });
        expect(second.fields["eventId"]).toBe(first?.fields["eventId"]);
        const view = await viewWhen(shop, order, "told", ({ pay_notify_state: s }) => s === "2");
        // The call that the crash cut off counts too: the app has received it.
        expect(view).toMatchObject({ pay_state: "2", pay_notify_number: 2 });
      });

      it("an app that had confirmed is left alone", async () => {
        const {
          confirmed: { shop, order },
          untold,
        } = sceneOf(signType);
        await viewWhen(untold.shop, untold.order, "told", (view) => view.pay_notify_state === "2");
        expect(await viewOf(shop, order)).toMatchObject({ pay_state: "2", pay_notify_number: 1 });
        expect(shop.receiver.about(order.orderNumber)).toHaveLength(1);
      });

      it("a refund whose answer never came resolves by itself, under its one number", async () => {
        const { shop, order } = sceneOf(signType).refunding;
        const view = await viewWhen(shop, order, "accepted", ({ ref_state }) => ref_state === "2");
        const { refunds } = await shop.sandbox.order(order.orderNumber);
        expect(refunds).toMatchObject([{ outRefundNo: view.refund_no, refundId: view.refund_id }]);
        const repeated = dataOf(await shop.app.refund(order.orderId));
        expect(repeated).toEqual({ refund_no: view.refund_no, refund_id: view.refund_id });
        await shop.sandbox.decideRefund(repeated.refund_no, "SUCCESS");
        await shop.receiver.heard(order.orderNumber, "refund");
        const end = await viewWhen(shop, order, "told", ({ ref_notify_state: s }) => s === "2");
        expect(end).toMatchObject({ ref_state: "4", refund_free: 100 });
        expect((await shop.sandbox.order(order.orderNumber)).refunds).toHaveLength(1);
      });

      it("refunds of two amounts, fifty at once, stay within the payment", async () => {
        const { shop, order } = sceneOf(signType).parts;
        const answers = new Map<string, Awaited<ReturnType<typeof askPart>>>();
        await eventually(
          "every part to be refunded or refused",
          async () => {
            const asked = PARTS.filter(({ appRefundNo }) => isOpen(answers.get(appRefundNo)));
            for (const part of asked) {
              answers.set(part.appRefundNo, await askPart(shop, order, part));
            }
            return PARTS.some(({ appRefundNo }) => isOpen(answers.get(appRefundNo)))
              ? undefined
              : true;
          },
          120_000,
        );
        const given = [...answers.values()].flatMap((answer) => answer.data?.refund_no ?? []);
        const { refunds } = await shop.sandbox.order(order.orderNumber);
        expect(new Set(refunds.map(({ outRefundNo }) => outRefundNo))).toEqual(new Set(given));
        expect(refunds).toHaveLength(2);
        const sum = refunds.reduce((total, { refundFee }) => total + refundFee, 0);
        expect(sum).toBeLessThanOrEqual(PARTS_TOTAL);
        expect(await viewOf(shop, order)).toMatchObject({ refund_free: sum, ref_state: "2" });
      });

      it("a payment made meanwhile is booked when WeChat tells again", async () => {
        const { shop, order } = sceneOf(signType).unpaid;
        await shop.receiver.heard(order.orderNumber, "pay");
        const view = await viewWhen(shop, order, "told", ({ pay_notify_state: s }) => s === "2");
        expect(view).toMatchObject({ pay_state: "2", pay_notify_number: 1 });
      });
    });
  });
});

/** Of two such parts any fit into the payment, of three none. */
const PARTS_TOTAL = 180;
const PARTS = Array.from({ length: 50 }, (_, index) => ({
  appRefundNo: `part-${index}`,
  refundFree: index % 2 === 0 ? 100 : 80,
}));

async function askPart(shop: Shop, order: CreatedOrder, part: (typeof PARTS)[number]) {
  return await shop.app.refund(order.orderId, part);
}

/** Whether a part is still to be asked for: never answered, or kept back for its turn. */
function isOpen(answer: Awaited<ReturnType<typeof askPart>> | undefined): boolean {
  return answer === undefined || answer.code === 503;
}

/** What a crash is to hit, in one protocol. */
interface Scene extends Preparation {
  readonly untold: Told;
}

interface Preparation {
  /** A shop of its own for the order that is to be untold. */
  readonly waiting: Shop;
  readonly refunding: Told;
  /** Fifty refunds of it are under way, of two amounts. */
  readonly parts: Told;
  readonly unpaid: Told;
  readonly confirmed: Told;
}

interface Told {
  readonly shop: Shop;
  readonly order: CreatedOrder;
}

/** All that takes its time, for what is begun afterwards must not be over before the crash. */
async function prepare(waiting: Shop, shop: Shop): Promise<Preparation> {
  const confirmed = { shop, order: await paidOrder(shop) };
  await viewWhen(shop, confirmed.order, "told", (view) => view.pay_notify_state === "2");
  const unpaid = { shop, order: dataOf(await shop.app.createOrder()) };
  const parts = { shop, order: await paidOrder(shop, { totalFree: PARTS_TOTAL }) };
  return { waiting, confirmed, unpaid, parts, refunding: { shop, order: await paidOrder(shop) } };
}

/** Begins what the crash is to cut off. */
async function begin(preparation: Preparation): Promise<Scene> {
  const { waiting, refunding, parts } = preparation;
  const [untold] = await Promise.all([
    paidAndUntold(waiting),
    refundInFlight(refunding.shop, refunding.order),
  ]);
  await partsInFlight(parts);
  return { ...preparation, untold };
}

/** WeChat's notification is acknowledged; the app has been called and hasn't answered. */
async function paidAndUntold(shop: Shop): Promise<Told> {
  shop.receiver.answer(() => undefined);
  const order = await paidOrder(shop);
  await eventually("the notification to be acknowledged", async () => {
    const { notifications } = await shop.sandbox.order(order.orderNumber);
    return notifications[0]?.state === "acknowledged" ? true : undefined;
  });
  await shop.receiver.heard(order.orderNumber, "pay");
  shop.receiver.answer((response) => response.end("success"));
  return { shop, order };
}

/** The first of fifty has reached WeChat; the others are somewhere. */
async function partsInFlight({ shop, order }: Told): Promise<void> {
  const lost = PARTS.map(
    async (part) => await askPart(shop, order, part).catch((error: unknown) => error),
  );
  await eventually("a part to be in WeChat's books", async () => {
    const { refunds } = await shop.sandbox.order(order.orderNumber);
    return refunds[0];
  });
  void lost;
}

/** WeChat has taken the refund and doesn't answer; the app is waiting. */
async function refundInFlight(shop: Shop, order: CreatedOrder): Promise<void> {
  await troubleCall(shop, order, "refund", "no-answer-after");
  const lost = shop.app.refund(order.orderId).catch((error: unknown) => error);
  await eventually("the refund to be in WeChat's books", async () => {
    const { refunds } = await shop.sandbox.order(order.orderNumber);
    return refunds[0];
  });
  // The crash breaks the connection; nothing is to be learned from that.
  void lost;
}
