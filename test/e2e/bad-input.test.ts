import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, inject, test } from "vitest";
import { dataOf, USUAL_ORDER, type Parameters } from "../../testkit/app-client.ts";
import { readEnvelope } from "../../testkit/contract.ts";
import { z } from "zod";
import { paidOrder } from "../../testkit/shop.ts";
import { openShop } from "./support/shop.ts";

const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";
const ENDPOINTS = ["/pay/create-order", "/refund/refund-money", "/order"] as const;

/** No answer may contain a stack, a path of the source, SQL, a name of a table or a binding. */
const INTERNALS =
  /\bat .+:\d+|\.ts\b|\bselect\b|\binsert\b|\bwhere\b|D1_|SQLITE|Error:|drizzle|MASTER_KEY|ADMIN_TOKEN/i;

/** Sends anything; checks the answer against the contract. Returns status, code and errmsg. */
async function send(path: string, init: RequestInit) {
  const { gatewayUrl } = inject("stack");
  const response = await fetch(gatewayUrl + path, { method: "POST", ...init });
  const text = await response.text();
  expect(text).not.toMatch(INTERNALS);
  expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  const { code, errmsg } = readEnvelope(JSON.parse(text), z.unknown());
  return { status: response.status, code, errmsg };
}

const body = (contentType: string, text: string | Uint8Array<ArrayBuffer>): RequestInit => ({
  headers: { "content-type": contentType },
  body: text,
});

describe.for(ENDPOINTS)("%s, malformed request", (path) => {
  const BAD_BODIES: Readonly<Record<string, RequestInit>> = {
    "no body": {},
    "an empty form": body(FORM, ""),
    "an empty object": body(JSON_TYPE, "{}"),
    "a body without a type": { body: new Uint8Array([97, 61, 49]) },
    "a multipart body": { body: new FormData() },
    "an XML body": body("text/xml", "<xml/>"),
    "another charset": body(`${FORM}; charset=gbk`, "appId=1"),
    "a truncated JSON object": body(JSON_TYPE, '{"appId":1,"desc":"'),
    "a JSON array": body(JSON_TYPE, "[1]"),
    "a JSON string": body(JSON_TYPE, '"appId=1"'),
    "a nested object": body(JSON_TYPE, '{"appId":{"$gt":0},"sign":"x"}'),
    "a nested array": body(JSON_TYPE, '{"appId":[1],"sign":"x"}'),
    null: body(JSON_TYPE, '{"appId":null,"sign":"x"}'),
    "a repeated JSON name": body(JSON_TYPE, '{"appId":1,"appId":2,"sign":"x"}'),
    "a repeated form name": body(FORM, "appId=1&appId=2&sign=x"),
    "nested PHP parameters": body(FORM, "appId[]=1&sign=x"),
    "the name __proto__": body(JSON_TYPE, '{"__proto__":"x","constructor":"y","appId":1}'),
    "a broken escape": body(FORM, "appId=%zz"),
    "bytes that aren't UTF-8": body(FORM, new Uint8Array([0x61, 0x3d, 0xff, 0xfe])),
    "more than 16 KB": body(FORM, `appId=1&desc=${"x".repeat(16 * 1024)}`),
    "a megabyte": body(FORM, "x".repeat(1024 * 1024)),
    "ten thousand parameters": body(FORM, "a=1&".repeat(4_000)),
    "deeply nested JSON": body(JSON_TYPE, '{"a":'.repeat(3_000)),
    "an appId that is a word": body(FORM, `appId=one&sign=${"0".repeat(40)}`),
    "an appId of 30 digits": body(FORM, `appId=${"9".repeat(30)}&sign=${"0".repeat(40)}`),
    "an appId with SQL": body(FORM, `appId=1%20or%201=1&sign=${"0".repeat(40)}`),
    "an appId below 1": body(FORM, `appId=0&sign=${"0".repeat(40)}`),
    "no sign": body(FORM, "appId=1"),
    "a short sign": body(FORM, "appId=1&sign=abc"),
    "an unknown app": body(FORM, `appId=987654&sign=${"0".repeat(40)}`),
  };

  test.for(Object.entries(BAD_BODIES))("answers %s with 501", async ([, init]) => {
    expect(await send(path, init)).toMatchObject({ status: 200, code: 501 });
  });

  test.for(["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])(
    "answers the method %s with 502",
    async (method) => {
      expect(await send(path, { method })).toMatchObject({ status: 200, code: 502 });
    },
  );
});

/** The parameter that errmsg must name, and the fault. */
const BAD_ORDERS: readonly (readonly [parameter: string, fault: string, change: Parameters])[] = [
  ["platForm", "2 (Alipay)", { platForm: 2 }],
  ["platForm", "a word", { platForm: "wechat" }],
  ["openId", "empty", { openId: "" }],
  ["openId", "too long", { openId: "o".repeat(129) }],
  ["desc", "empty", { desc: "" }],
  ["desc", "too long in bytes", { desc: "书".repeat(43) }],
  ["desc", "with an emoji", { desc: "book 📚" }],
  ["desc", "with a control character", { desc: "book\u0000" }],
  ["attach", "too long", { attach: "a".repeat(128) }],
  ["attach", "with an emoji", { attach: "📚" }],
  ["totalFree", "zero", { totalFree: 0 }],
  ["totalFree", "below zero", { totalFree: -1 }],
  ["totalFree", "in yuan", { totalFree: "1.00" }],
  ["totalFree", "in scientific notation", { totalFree: "1e2" }],
  ["totalFree", "in hex", { totalFree: "0x64" }],
  ["totalFree", "with a space", { totalFree: " 100" }],
  ["totalFree", "in Arabic digits", { totalFree: "١٠٠" }],
  ["totalFree", "of 20 digits", { totalFree: "9".repeat(20) }],
  ["tag", "too long", { tag: "t".repeat(33) }],
  ["tradeType", "NATIVE", { tradeType: "NATIVE" }],
  ["appOrderNo", "with a slash", { appOrderNo: "a/b" }],
  ["appOrderNo", "too long", { appOrderNo: "a".repeat(65) }],
  ["clientIp", "a name", { clientIp: "localhost" }],
  ["url", "missing beside accessToken", { accessToken: "token" }],
  ["accessToken", "missing beside url", { url: "https://shop.example/" }],
  ["url", "a script", { accessToken: "token", url: "javascript:alert(1)" }],
];

test.for(BAD_ORDERS)(
  "create-order: errmsg names %s when it is %s",
  async ([parameter, , change], t) => {
    const { app } = await openShop(t);
    const answer = await app.createOrder(change);
    expect(answer).toMatchObject({ code: 501 });
    expect(answer.errmsg).toContain(parameter);
    expect(answer.errmsg).not.toMatch(INTERNALS);
  },
);

test.for(Object.keys(USUAL_ORDER))(
  "create-order: errmsg names %s when it is missing",
  async (name, t) => {
    const { app } = await openShop(t);
    const { [name]: _, ...rest } = { ...USUAL_ORDER } as Record<string, string | number>;
    const request = app.sign("/pay/create-order", rest);
    const answer = await app.send(request, z.unknown());
    expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining(name) });
  },
);

test("order and refund-money: errmsg names the invalid parameter", async (t) => {
  const shop = await openShop(t);
  const order = await paidOrder(shop);
  const { app } = shop;
  const orderId = order.orderId;
  const answers: readonly (readonly [parameter: string, answer: { errmsg: string | null }])[] = [
    ["order_id", await app.order({})],
    ["order_id", await app.order({ order_id: "x" })],
    ["order_id", await app.order({ order_id: orderId, appOrderNo: "no-1" })],
    ["sync", await app.order({ order_id: orderId, sync: "yes" })],
    ["platForm", await app.refund(orderId, { platForm: 2 })],
    ["refundFree", await app.refund(orderId, { refundFree: 0 })],
    ["refundFree", await app.refund(orderId, { refundFree: "all" })],
    ["appRefundNo", await app.refund(orderId, { appRefundNo: "a b" })],
  ];
  for (const [parameter, answer] of answers) {
    expect(answer).toMatchObject({ code: 501 });
    expect(answer.errmsg).toContain(parameter);
    expect(answer.errmsg).not.toMatch(INTERNALS);
  }
  expect((await shop.sandbox.order(order.orderNumber)).refunds).toEqual([]);
});

test("an unknown path is answered in the contract's envelope", async () => {
  for (const path of ["/", "/pay", "/pay/create-order/x", "/PAY/create-order", "/%00", "/..%2f"]) {
    expect(await send(path, { method: "POST" })).toMatchObject({ code: 501 });
  }
});

test("an endless body is not read to its end", async (t) => {
  const { app, gatewayUrl } = await openShop(t);
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    async pull(controller) {
      // Slower than it is read; otherwise it only fills buffers.
      await sleep(1);
      sent += 16_384;
      controller.enqueue(new Uint8Array(16_384).fill(120));
    },
  });
  const init = { ...body(FORM, ""), method: "POST", body: endless, duplex: "half" as const };
  // Whether the answer can be read while the request is being written depends on the client.
  await fetch(`${gatewayUrl}/order`, init).then(
    async (response) => await response.body?.cancel(),
    (error: unknown) => expect(error).toBeInstanceOf(TypeError),
  );
  expect(sent).toBeLessThan(50_000_000);
  expect(await app.createOrder()).toMatchObject({ code: 0 });
});

test("the gateway serves on after requests that break off", async (t) => {
  const shop = await openShop(t);
  const { port, hostname } = new URL(shop.gatewayUrl);
  await Promise.all(
    Array.from({ length: 5 }, async () => {
      await new Promise<void>((resolve, reject) => {
        const socket = connect(Number(port), hostname);
        socket.once("error", reject).once("close", () => resolve());
        socket.write(
          `POST /order HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM}\r\nContent-Length: 1000\r\n\r\nappId=1`,
          () => socket.destroy(),
        );
      });
    }),
  );
  expect(dataOf(await shop.app.createOrder()).orderId).toBeGreaterThan(0);
});
