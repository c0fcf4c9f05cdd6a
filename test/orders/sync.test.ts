import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gate } from "../support/clock.ts";
import { lateAnswer, UNKNOWN } from "../support/faults.ts";
import { makeOrder, objectOf, requestRefund, rowOf, type OrderRef } from "../support/scenario.ts";
import { closeScene, openScene, until, type Scene } from "../support/scene.ts";

const QUERY = "/pay/orderquery";

let scene: Scene;
let order: OrderRef;

beforeEach(async () => {
  scene = await openScene();
  order = await makeOrder(scene);
});
afterEach(closeScene);

/** A sync whose query WeChat has answered but for which the test holds the answer. */
async function holdFirstSync() {
  const held = gate();
  scene.wechat.fail(QUERY, lateAnswer(held.opened));
  const first = objectOf(order).sync();
  await until(() => scene.wechat.callsOf(QUERY).length === 1);
  return { first, release: held.release };
}

describe("sync", () => {
  test("I12: twenty at once are two queries, however they end", async () => {
    const { first, release } = await holdFirstSync();
    scene.wechat.fail(QUERY, UNKNOWN);
    const object = objectOf(order);
    const others = Array.from({ length: 19 }, async () => await object.sync());
    // Calls of one stub arrive in order: after this one, all of them have.
    await object.history();
    release();
    expect(await first).toBe("asked");
    expect(new Set(await Promise.all(others))).toEqual(new Set(["unknown"]));
    expect(scene.wechat.callsOf(QUERY)).toHaveLength(2);
    expect(await object.sync()).toBe("asked");
    expect(scene.wechat.callsOf(QUERY)).toHaveLength(3);
  });

  test("that arrives during a query has its own, which knows of a payment since", async () => {
    const { first, release } = await holdFirstSync();
    scene.wechat.pay(order.number);
    const second = objectOf(order).sync();
    await objectOf(order).history();
    release();
    expect([await first, await second]).toEqual(["asked", "asked"]);
    expect((await rowOf(order)).payState).toBe("paid");
    expect((await requestRefund(scene, order)).code).toBe(0);
  });
});
