import { afterEach, describe, expect, test } from "vitest";
import { advance, START } from "../support/clock.ts";
import { UNKNOWN } from "../support/faults.ts";
import { ask, read, send, signed } from "../support/gateway.ts";
import {
  makeOrder,
  makePaidOrder,
  refund,
  refundOf,
  rowOf,
  runDue,
  view,
} from "../support/life.ts";
import { openShop, openSibling } from "../support/shop.ts";
import { closeWorld, openWorld } from "../support/world.ts";

const PATH = "/order";

afterEach(closeWorld);

describe("an order, asked for", () => {
  test("while it waits has exactly the contract's names and types", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    advance(5_000);
    expect(await view(world, made)).toStrictEqual({
      id: made.id,
      pay_order_number: made.number,
      app_id: world.shop.appId,
      platform: "1",
      sdk_type: "JSAPI",
      desc: "测试商品",
      total_free: 100,
      tag: "test",
      user_id: (await rowOf(made)).userId,
      pay_state: "0",
      ref_state: "0",
      pay_notify_state: "0",
      ref_notify_state: "0",
      transaction_id: null,
      pay_notify_number: 0,
      ref_notify_number: 0,
      refund_id: null,
      refund_no: null,
      create_time: START / 1000,
      update_time: START / 1000,
      attach: null,
      app_order_no: null,
      refund_free: 0,
    });
    expect(world.wechat.calls).toHaveLength(1);
  });

  test("after its refund has exactly the contract's names and types", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world, { attach: "附加" });
    await runDue(made);
    advance(7_000);
    await refund(world, made);
    const { number } = await refundOf(made);
    expect(await view(world, made)).toStrictEqual({
      id: made.id,
      pay_order_number: made.number,
      app_id: world.shop.appId,
      platform: "1",
      sdk_type: "JSAPI",
      desc: "测试商品",
      total_free: 100,
      tag: "test",
      user_id: (await rowOf(made)).userId,
      pay_state: "2",
      ref_state: "2",
      pay_notify_state: "2",
      ref_notify_state: "0",
      transaction_id: world.wechat.order(made.number).transactionId,
      pay_notify_number: 1,
      ref_notify_number: 0,
      refund_id: world.wechat.refund(number).refundId,
      refund_no: number,
      create_time: START / 1000,
      update_time: START / 1000 + 7,
      attach: "附加",
      app_order_no: null,
      refund_free: 100,
    });
  });

  test("takes a signed JSON body too", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    const values = Object.fromEntries(signed(world.shop, { order_id: made.id }));
    const init = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...values, order_id: made.id, appId: world.shop.appId }),
    };
    expect((await read(await send(PATH, init))).data).toMatchObject({ id: made.id });
  });

  test("by an app that it doesn't belong to is answered as for none", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    for (const other of [await openSibling(world.shop), await openShop()]) {
      for (const sync of [{}, { sync: 1 }]) {
        const others = await ask(other, PATH, { order_id: made.id, ...sync });
        const absent = await ask(other, PATH, { order_id: 999_999, ...sync });
        expect(others.text).toBe(absent.text);
        expect(others).toMatchObject({ status: 200, code: 501, data: null });
      }
    }
  });
});

describe("an order, asked for with sync=1", () => {
  test("while it waits has WeChat asked first", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    expect(await view(world, made, { sync: 1 })).toMatchObject({ pay_state: "0" });
    const paid = world.wechat.pay(made.number);
    expect(await view(world, made, { sync: 0 })).toMatchObject({ pay_state: "0" });
    expect(await view(world, made, { sync: 1 })).toMatchObject({
      pay_state: "2",
      transaction_id: paid.transactionId,
    });
    expect(world.wechat.callsOf("/pay/orderquery")).toHaveLength(2);
    await runDue(made);
    expect(world.app.callsTo(world.shop.payUrl)).toHaveLength(1);
  });

  test("of which WeChat says nothing clear is a 503, never an old state", async () => {
    const world = await openWorld();
    const made = await makeOrder(world);
    world.wechat.pay(made.number);
    world.wechat.fail("/pay/orderquery", UNKNOWN);
    const answer = await ask(world.shop, PATH, { order_id: made.id, sync: 1 });
    expect(answer).toMatchObject({ status: 200, code: 503, data: null });
    expect(answer.errmsg).toContain("重复本请求是安全的");
  });

  test("while it is being refunded has WeChat asked about the refund", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    await refund(world, made);
    expect(await view(world, made, { sync: 1 })).toMatchObject({ ref_state: "2" });
    world.wechat.refund((await refundOf(made)).number).status = "SUCCESS";
    expect(await view(world, made, { sync: 1 })).toMatchObject({ ref_state: "4" });
    expect(world.wechat.callsOf("/pay/refundquery")).toHaveLength(2);
    expect(await view(world, made, { sync: 1 })).toMatchObject({ ref_state: "4" });
    expect(world.wechat.callsOf("/pay/refundquery")).toHaveLength(2);
  });

  test("whose refund's state isn't clear is a 503", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    await refund(world, made);
    world.wechat.fail("/pay/refundquery", UNKNOWN);
    const answer = await ask(world.shop, PATH, { order_id: made.id, sync: 1 });
    expect(answer).toMatchObject({ status: 200, code: 503, data: null });
  });

  test("that is paid and not refunded asks nobody", async () => {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    const calls = world.wechat.calls.length;
    expect(await view(world, made, { sync: 1 })).toMatchObject({ pay_state: "2" });
    expect(world.wechat.calls).toHaveLength(calls);
  });
});
