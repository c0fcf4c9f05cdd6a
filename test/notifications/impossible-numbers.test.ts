import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { randomHex32 } from "../../src/lib/random.ts";
import { instrumentD1 } from "../support/d1.ts";
import { logLinesWith } from "../support/log-lines.ts";
import { notifyPayment, notifyRefund } from "../support/notifications.ts";
import { makePaidOrder, refundOf, requestRefund, runDueTimers } from "../support/scenario.ts";
import { wechatNumber } from "../support/wechat-ledger.ts";
import { closeScene, openScene } from "../support/scene.ts";

afterEach(closeScene);

const ORDER_NUMBERS = [
  ["upper-case hex", "F".repeat(32)],
  ["31 characters", "f".repeat(31)],
  ["33 characters", "f".repeat(33)],
  ["a letter beyond f", `g${"f".repeat(31)}`],
  ["a line feed at its end", `${"f".repeat(32)}\n`],
  ["digits of another script", "１".repeat(32)],
] as const;

const REFUND_NUMBERS = [
  ["65 characters", "a".repeat(65)],
  ["a space", "a b"],
  ["an ampersand", "a&b"],
  ["a slash", "../a"],
  ["a line feed at its end", "a\n"],
  ["Chinese", "退款"],
] as const;

/** Whatever `work` posts neither reaches an object nor D1 nor WeChat. */
async function expectNoEffect(scene: Awaited<ReturnType<typeof openScene>>, work: () => unknown) {
  const objects = await listDurableObjectIds(env.ORDER_OBJECT);
  const calls = scene.wechat.calls.length;
  const { trips } = instrumentD1();
  await work();
  expect(trips).toEqual([]);
  expect(scene.wechat.calls).toHaveLength(calls);
  expect(await listDurableObjectIds(env.ORDER_OBJECT)).toHaveLength(objects.length);
}

describe.each(["HMAC-SHA256", "RSA"] as const)(
  "I12: numbers in a genuine notification (%s)",
  (signType) => {
    test.for(ORDER_NUMBERS)(
      "payment, order number with %s: wakes no object",
      async ([, number]) => {
        const scene = await openScene(signType);
        const order = await makePaidOrder(scene);
        const paid = scene.wechat.order(order.number);
        await expectNoEffect(scene, async () => {
          const changes = { out_trade_no: number };
          expect(await notifyPayment(scene.shop, order.number, paid, changes)).toBe(false);
        });
        expect(logLinesWith(scene.logged, { event: "notification_rejected" })).toMatchObject([
          { kind: "malformed", detail: "out_trade_no" },
        ]);
      },
    );

    test.for([
      ...ORDER_NUMBERS.map(([name, number]) => ["out_trade_no", name, number] as const),
      ...REFUND_NUMBERS.map(([name, number]) => ["out_refund_no", name, number] as const),
    ])("refund, %s with %s: wakes no object", async ([field, , number]) => {
      const scene = await openScene(signType);
      const order = await makePaidOrder(scene);
      const genuine = {
        out_trade_no: order.number,
        out_refund_no: "a-refund",
        refund_status: "SUCCESS",
      };
      await expectNoEffect(scene, async () => {
        expect(await notifyRefund(scene.shop, { ...genuine, [field]: number })).toBe(false);
      });
      expect(logLinesWith(scene.logged, { event: "notification_rejected" })).toMatchObject([
        { kind: "malformed", detail: field },
      ]);
    });

    test.for([
      ["64 characters", "a".repeat(58)],
      ["each punctuation mark that is allowed", "A_b-c|d*e@0"],
    ] as const)("refund number with %s, which can be one, is asked about", async ([, start]) => {
      const number = `${start}${randomHex32().slice(0, 6)}`;
      const scene = await openScene(signType);
      const order = await makePaidOrder(scene);
      await runDueTimers(order);
      await requestRefund(scene, order, { refundFree: 40, appRefundNo: "first" });
      const { number: first } = await refundOf(order);
      scene.wechat.refunds.set(number, {
        ...scene.wechat.refund(first),
        refundId: wechatNumber("50"),
        status: "SUCCESS",
      });
      const fields = {
        out_trade_no: order.number,
        out_refund_no: number,
        refund_fee: "40",
        refund_status: "SUCCESS",
      };
      expect(await notifyRefund(scene.shop, fields)).toBe(true);
    });
  },
);
