import { afterEach, describe, expect, test, vi } from "vitest";
import { oversizedRefusal } from "../../src/api/parameter-faults.ts";
import { formOf, read, send, signed } from "../support/gateway.ts";
import { ORDER } from "../support/scenario.ts";
import { closeScene, openScene } from "../support/scene.ts";

afterEach(closeScene);

const PATHS = {
  "create-order": "/pay/create-order",
  "close-order": "/pay/close-order",
  "refund-money": "/refund/refund-money",
  order: "/order",
} as const;

const REFUND = { platForm: "1", order_id: "1" };

/** Of each parameter the shortest value that is too long, and what is said about it. */
const TOO_LONG = [
  ["create-order", ORDER, "platForm", "11", "platForm 只能是 1"],
  ["create-order", ORDER, "openId", "o".repeat(129), "openId 不能超过 128 个字符"],
  ["create-order", ORDER, "desc", "x".repeat(128), "desc 不能超过 127 字节"],
  ["create-order", ORDER, "desc", "中".repeat(43), "desc 不能超过 127 字节"],
  ["create-order", ORDER, "totalFree", "9".repeat(11), "totalFree 不能大于 2147483647"],
  ["create-order", ORDER, "tag", "x".repeat(33), "tag 不能超过 32 字节"],
  ["create-order", ORDER, "tradeType", "JSAPI ", "tradeType 只能是 JSAPI"],
  ["create-order", ORDER, "attach", "x".repeat(128), "attach 不能超过 127 字节"],
  ["create-order", ORDER, "appOrderNo", "x".repeat(65), "appOrderNo 只能由"],
  ["create-order", ORDER, "clientIp", "1".repeat(46), "clientIp 必须是 IPv4 或 IPv6 地址"],
  ["create-order", ORDER, "accessToken", "x".repeat(513), "accessToken 不能超过 512 个字符"],
  ["create-order", ORDER, "url", `http://a/${"x".repeat(2040)}`, "url 不能超过 2048 字节"],
  ["create-order", ORDER, "url", `http://a/${"中".repeat(680)}`, "url 不能超过 2048 字节"],
  ["close-order", REFUND, "platForm", "11", "platForm 只能是 1"],
  ["close-order", REFUND, "order_id", "9".repeat(17), "order_id 不能大于"],
  ["close-order", { platForm: "1" }, "appOrderNo", "x".repeat(65), "appOrderNo 只能由"],
  ["refund-money", REFUND, "platForm", "11", "platForm 只能是 1"],
  ["refund-money", REFUND, "order_id", "9".repeat(17), "order_id 不能大于"],
  ["refund-money", REFUND, "refundFree", "9".repeat(11), "refundFree 不能大于"],
  ["refund-money", REFUND, "appRefundNo", "x".repeat(65), "appRefundNo 只能由"],
  ["order", { order_id: "1" }, "order_id", "9".repeat(17), "order_id 不能大于"],
  ["order", {}, "appOrderNo", "x".repeat(65), "appOrderNo 只能由"],
  ["order", { order_id: "1" }, "sync", "11", "sync 只能是 0 或 1"],
] as const;

describe("a value longer than the contract allows", () => {
  test.for(TOO_LONG)("%s, %j, %s: is named without hashing anything", async (row) => {
    const [endpoint, values, name, value, detail] = row;
    const { shop } = await openScene();
    const form = signed(shop, { ...values, [name]: value });
    const expected = { status: 200, code: 501, errmsg: expect.stringContaining(`：${detail}`) };
    expect(await read(await send(PATHS[endpoint], formOf(form)))).toMatchObject(expected);

    form.set("sign", "0".repeat(40));
    const digest = vi.spyOn(crypto.subtle, "digest");
    expect(await read(await send(PATHS[endpoint], formOf(form)))).toMatchObject(expected);
    expect(digest.mock.calls.filter(([algorithm]) => algorithm === "SHA-1")).toEqual([]);
  });

  test("is looked for at the endpoint that has the parameter", async () => {
    const { shop } = await openScene();
    const form = signed(shop, {
      order_id: "1",
      desc: "x".repeat(5_000),
      unknown: "y".repeat(5_000),
    });
    const answer = await read(await send("/order", formOf(form)));
    expect(answer.errmsg).toContain("订单不存在");
  });

  test("comes before a wrong sign, other faults don't", async () => {
    const { shop } = await openScene();
    const form = signed(shop, { ...ORDER, totalFree: "0" });
    form.set("sign", "0".repeat(40));
    const answer = await read(await send("/pay/create-order", formOf(form)));
    expect(answer.errmsg).toContain("sign 签名错误");
  });

  test("is one beyond what the contract allows: longest values aren't refused", () => {
    const longest = new Map([
      ...Object.entries(ORDER).map(([name, value]) => [name, String(value)] as const),
      ["openId", "中".repeat(128)],
      ["desc", `${"中".repeat(42)}x`],
      ["totalFree", "2147483647"],
      ["tag", `${"标".repeat(10)}xx`],
      ["attach", "x".repeat(127)],
      ["appOrderNo", "x".repeat(64)],
      ["clientIp", "2001:0db8:0000:0000:0000:ffff:192.168.100.228"],
      ["accessToken", "中".repeat(512)],
      ["url", `http://a.example/${"中".repeat(677)}`],
    ]);
    expect(oversizedRefusal("create-order", longest)).toBeNull();
  });
});
