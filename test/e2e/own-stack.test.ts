import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startStack, type Stack } from "../../testkit/stack/stack.ts";
import { dataOf } from "../../testkit/app-client.ts";
import type { CreatedOrder } from "../../testkit/contract.ts";
import { eventually } from "../../testkit/eventually.ts";
import {
  isPaymentConfirmed,
  isRefundConfirmed,
  paidOrder,
  viewOf,
  waitForView,
  type Shop,
  type SignType,
} from "../../testkit/shop.ts";
import { removeWechatDelays } from "./support/shared-stack.ts";
import { openShop, type Closing } from "./support/shop.ts";
import { addCallFault } from "./support/wechat-faults.ts";

/** One sign type per protocol: a crash affects all alike. */
const PROTOCOLS = ["MD5", "RSA"] as const;

// A stack of its own: the gateway is killed, and WeChat's faults hit whichever call comes first. So
// these tests run one after the other.
describe("with a stack of its own", { concurrent: false }, () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack();
    await removeWechatDelays(stack);
  });

  afterAll(async () => {
    await stack.stop();
  });

  test.for([
    ["systemerror", 1],
    ["systemerror-after", 2],
    ["drop-after", 2],
    ["wrong-signature", 2],
  ] as const)(
    "create-order: succeeds after %s in answer to the first call",
    async ([fault, calls], t) => {
      const { app, sandbox } = await openShop(t, { stack });
      await sandbox.addFault({ on: "call", path: "unifiedorder", fault });
      const order = dataOf(await app.createOrder());
      expect(await sandbox.order(order.orderNumber)).toMatchObject({ prepayCalls: calls });
    },
  );

  test("create-order: finds the order by appOrderNo when all its first calls were lost", async (t) => {
    const shop = await openShop(t, { stack });
    const fault = { on: "call", path: "unifiedorder", fault: "drop-after", times: 2 };
    await shop.sandbox.addFault(fault);
    const request = { appOrderNo: "no-1", desc: "lost and found" };
    expect(await shop.app.createOrder(request)).toMatchObject({ code: 503 });
    const order = dataOf(await shop.app.createOrder(request));
    const { orders } = await shop.sandbox.state();
    const created = orders.filter(({ body }) => body === "lost and found");
    expect(created.map(({ outTradeNo }) => outTradeNo)).toEqual([order.orderNumber]);
  });

  test("payment notification: recorded though it arrives before WeChat's answer to the order", async (t) => {
    const shop = await openShop(t, { stack });
    await shop.sandbox.addFault({ on: "notification", kind: "pay", fault: "before-its-time" });
    const order = dataOf(await shop.app.createOrder());
    await shop.receiver.waitForCallback(order.orderNumber, "pay");
    const view = await waitForView(shop, order, "confirmed", isPaymentConfirmed);
    expect(view).toMatchObject({ pay_state: "2", pay_notify_number: 1 });
  });

  // Everything that a crash can interrupt is prepared first; then the gateway is killed once and
  // started again on the same storage, and each test checks one consequence.
  describe("after a crash of the gateway", { concurrent: true }, () => {
    const closing: (() => Promise<void>)[] = [];
    const t: Closing = { onTestFinished: (close) => void closing.push(close) };
    const interrupted = new Map<SignType, Interrupted>();
    const ordersOf = (signType: SignType): Interrupted => {
      const orders = interrupted.get(signType);
      if (orders === undefined) throw new Error(`nothing was prepared for ${signType}`);
      return orders;
    };

    beforeAll(async () => {
      const prepared = await Promise.all(
        PROTOCOLS.map(async (signType) => {
          const open = async (): Promise<Shop> => await openShop(t, { stack, signType });
          return await prepare(await open(), await open());
        }),
      );
      await Promise.all(
        prepared.map(async (preparation) => {
          const { signType } = preparation.confirmed.shop.merchant;
          interrupted.set(signType, await interruptible(preparation));
        }),
      );
      await stack.killGateway();
      // WeChat notifies while the gateway is down, and repeats it later.
      for (const { unpaid } of interrupted.values()) {
        await unpaid.shop.sandbox.pay(unpaid.order.orderNumber);
      }
      await stack.startGateway();
    });

    afterAll(async () => {
      await Promise.all(closing.map(async (close) => await close()));
    });

    describe.each(PROTOCOLS)("merchant signing with %s", (signType) => {
      test("an app that hadn't confirmed is called again", async () => {
        const { shop, order } = ordersOf(signType).unconfirmed;
        const [first] = shop.receiver.callbacksFor(order.orderNumber);
        const second = await shop.receiver.waitForCallback(order.orderNumber, "pay", 2);
        expect(second).toMatchObject({ signed: true, webhookSigned: true });
        expect(second.fields["eventId"]).toBe(first?.fields["eventId"]);
        const view = await waitForView(shop, order, "confirmed", isPaymentConfirmed);
        // The call that the crash interrupted counts too: the app has received it.
        expect(view).toMatchObject({ pay_state: "2", pay_notify_number: 2 });
      });

      test("an app that had confirmed is not called again", async () => {
        const {
          confirmed: { shop, order },
          unconfirmed,
        } = ordersOf(signType);
        await waitForView(unconfirmed.shop, unconfirmed.order, "confirmed", isPaymentConfirmed);
        expect(await viewOf(shop, order)).toMatchObject({ pay_state: "2", pay_notify_number: 1 });
        expect(shop.receiver.callbacksFor(order.orderNumber)).toHaveLength(1);
      });

      test("a refund whose answer was lost resolves without a request, under one out_refund_no", async () => {
        const { shop, order } = ordersOf(signType).refunding;
        const view = await waitForView(
          shop,
          order,
          "accepted",
          ({ ref_state }) => ref_state === "2",
        );
        const { refunds } = await shop.sandbox.order(order.orderNumber);
        expect(refunds).toMatchObject([{ outRefundNo: view.refund_no, refundId: view.refund_id }]);
        const repeated = dataOf(await shop.app.refund(order.orderId));
        expect(repeated).toEqual({ refund_no: view.refund_no, refund_id: view.refund_id });
        await shop.sandbox.decideRefund(repeated.refund_no, "SUCCESS");
        await shop.receiver.waitForCallback(order.orderNumber, "refund");
        const refunded = await waitForView(
          shop,
          order,
          "refunded, and confirmed",
          isRefundConfirmed,
        );
        expect(refunded).toMatchObject({ ref_state: "4", refund_free: 100 });
        expect((await shop.sandbox.order(order.orderNumber)).refunds).toHaveLength(1);
      });

      test("fifty concurrent refunds of two amounts stay within the payment", async () => {
        const { shop, order } = ordersOf(signType).parts;
        const answers = new Map<string, Awaited<ReturnType<typeof requestPart>>>();
        await eventually(
          "every part to be refunded or refused",
          async () => {
            const open = PARTS.filter(({ appRefundNo }) => isOpen(answers.get(appRefundNo)));
            for (const part of open) {
              answers.set(part.appRefundNo, await requestPart(shop, order, part));
            }
            return PARTS.some(({ appRefundNo }) => isOpen(answers.get(appRefundNo)))
              ? undefined
              : true;
          },
          120_000,
        );
        const answered = [...answers.values()].flatMap((answer) => answer.data?.refund_no ?? []);
        const { refunds } = await shop.sandbox.order(order.orderNumber);
        expect(new Set(refunds.map(({ outRefundNo }) => outRefundNo))).toEqual(new Set(answered));
        expect(refunds).toHaveLength(2);
        const sum = refunds.reduce((total, { refundFee }) => total + refundFee, 0);
        expect(sum).toBeLessThanOrEqual(PARTS_TOTAL);
        expect(await viewOf(shop, order)).toMatchObject({ refund_free: sum, ref_state: "2" });
      });

      test("a payment made during the outage is recorded when WeChat repeats the notification", async () => {
        const { shop, order } = ordersOf(signType).unpaid;
        await shop.receiver.waitForCallback(order.orderNumber, "pay");
        const view = await waitForView(shop, order, "confirmed", isPaymentConfirmed);
        expect(view).toMatchObject({ pay_state: "2", pay_notify_number: 1 });
      });
    });
  });
});

/** Any two such parts fit into the payment, three never do. */
const PARTS_TOTAL = 180;
const PARTS = Array.from({ length: 50 }, (_, index) => ({
  appRefundNo: `part-${index}`,
  refundFree: index % 2 === 0 ? 100 : 80,
}));

async function requestPart(shop: Shop, order: CreatedOrder, part: (typeof PARTS)[number]) {
  return await shop.app.refund(order.orderId, part);
}

/** Whether a part has to be requested again: not answered, or held back to keep the spacing. */
function isOpen(answer: Awaited<ReturnType<typeof requestPart>> | undefined): boolean {
  return answer === undefined || answer.code === 503;
}

/** The orders that the crash interrupts, in one protocol. */
interface Interrupted extends Preparation {
  /** Paid; the app has been called and hasn't answered. */
  readonly unconfirmed: ShopOrder;
}

interface Preparation {
  /** A shop of its own for the order that is to stay unconfirmed. */
  readonly waiting: Shop;
  readonly refunding: ShopOrder;
  /** Fifty refunds of it are in progress, of two amounts. */
  readonly parts: ShopOrder;
  readonly unpaid: ShopOrder;
  readonly confirmed: ShopOrder;
}

interface ShopOrder {
  readonly shop: Shop;
  readonly order: CreatedOrder;
}

/** Everything slow: what `interruptible` starts must still be in progress when the crash comes. */
async function prepare(waiting: Shop, shop: Shop): Promise<Preparation> {
  const confirmed = { shop, order: await paidOrder(shop) };
  await waitForView(shop, confirmed.order, "confirmed", isPaymentConfirmed);
  const unpaid = { shop, order: dataOf(await shop.app.createOrder()) };
  const parts = { shop, order: await paidOrder(shop, { totalFree: PARTS_TOTAL }) };
  return { waiting, confirmed, unpaid, parts, refunding: { shop, order: await paidOrder(shop) } };
}

/** Starts what the crash interrupts. */
async function interruptible(preparation: Preparation): Promise<Interrupted> {
  const { waiting, refunding, parts } = preparation;
  const [unconfirmed] = await Promise.all([
    paidAndUnconfirmed(waiting),
    refundInFlight(refunding.shop, refunding.order),
  ]);
  await partsInFlight(parts);
  return { ...preparation, unconfirmed };
}

/** WeChat's notification is acknowledged; the app has been called and hasn't answered. */
async function paidAndUnconfirmed(shop: Shop): Promise<ShopOrder> {
  shop.receiver.respondWith(() => undefined);
  const order = await paidOrder(shop);
  await eventually("the notification to be acknowledged", async () => {
    const { notifications } = await shop.sandbox.order(order.orderNumber);
    return notifications[0]?.state === "acknowledged" ? true : undefined;
  });
  await shop.receiver.waitForCallback(order.orderNumber, "pay");
  shop.receiver.respondWith((response) => response.end("success"));
  return { shop, order };
}

/** The first of fifty has reached WeChat; the others are in any state. */
async function partsInFlight({ shop, order }: ShopOrder): Promise<void> {
  const lost = PARTS.map(
    async (part) => await requestPart(shop, order, part).catch((error: unknown) => error),
  );
  await eventually("a part to reach WeChat", async () => {
    const { refunds } = await shop.sandbox.order(order.orderNumber);
    return refunds[0];
  });
  void lost;
}

/** WeChat has recorded the refund and doesn't answer; the app is waiting. */
async function refundInFlight(shop: Shop, order: CreatedOrder): Promise<void> {
  await addCallFault(shop, order, "refund", "no-answer-after");
  const lost = shop.app.refund(order.orderId).catch((error: unknown) => error);
  await eventually("the refund to reach WeChat", async () => {
    const { refunds } = await shop.sandbox.order(order.orderNumber);
    return refunds[0];
  });
  // The crash breaks the connection; the error says nothing about the refund.
  void lost;
}
