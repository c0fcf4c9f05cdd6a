import { readFileSync } from "node:fs";
import { expect, inject, test } from "vitest";
import { z } from "zod";
import { dataOf } from "../../testkit/app-client.ts";
import { API_CERTIFICATE } from "../../testkit/demo-merchant.ts";
import { eventually } from "../../testkit/eventually.ts";
import { CANARIES } from "./support/canaries.ts";
import { waitForView, type Shop } from "../../testkit/shop.ts";
import { openShop } from "./support/shop.ts";
import { addCallFault, addNotificationFault } from "./support/wechat-faults.ts";

const OPEN_ID = "oCanaryOpenId_7f3b0c5e91d24a68";
const ACCESS_TOKEN = "canary-access-token-7f3b0c5e";

/** Events that the faults below must have logged. */
const EVENTS = [
  "request",
  "order_operation",
  "wechat_call",
  "app_call",
  "prepay_failed",
  "admin_refused",
  "app_secret_rotated",
];

/** An order with as many faults as possible, so that as much as possible is logged. */
async function runOrderWithFaults(shop: Shop): Promise<void> {
  const { app, sandbox, receiver } = shop;
  const request = { openId: OPEN_ID, appOrderNo: "no-1" };
  const page = { accessToken: ACCESS_TOKEN, url: "https://shop.example/?code=1" };
  const order = dataOf(await app.createOrder({ ...request, ...page }));
  await app.createOrder({ ...request, totalFree: 1, openId: `${OPEN_ID}x` });
  await addCallFault(shop, order, "unifiedorder", "wrong-signature", { times: 2 });
  await app.createOrder(request);
  await shop.appWith("0".repeat(32)).createOrder(request);
  await addNotificationFault(shop, order, "pay", "wrong-amount");
  await sandbox.pay(order.orderNumber);
  await eventually("the wrong notification", async () => {
    const { notifications } = await sandbox.order(order.orderNumber);
    return notifications[0]?.attempts[0];
  });
  receiver.respondWith((response) => response.writeHead(500).end(`${shop.registered.salt} echoed`));
  await app.order({ order_id: order.orderId, sync: 1 });
  await waitForView(shop, order, "called", (view) => view.pay_notify_state === "1");
  await addCallFault(shop, order, "refund", "html-page");
  await app.refund(order.orderId);
  const refund = dataOf(await app.refund(order.orderId));
  await sandbox.decideRefund(refund.refund_no, "CHANGE");
  await receiver.waitForCallback(order.orderNumber, "refund");
}

test("log: contains no secret and no openId, whatever fails", async (t) => {
  const shop = await openShop(t);
  const { registered, merchant } = shop;
  await runOrderWithFaults(shop);
  const rotatedSalt = await shop.admin.rotateSalt(shop.app.id, 60);
  const wrongToken = { authorization: "Bearer canary-wrong-token-7f3b0c5e" };
  await fetch(`${shop.gatewayUrl}/admin/apps`, { headers: wrongToken });
  const log = await eventually("the log to be written", () => {
    const written = readFileSync(inject("gatewayLog"), "utf8");
    const whole = EVENTS.every((event) => written.includes(`"event":"${event}"`));
    return whole && written.includes("/admin/apps") ? written : undefined;
  });
  const secrets = {
    ...CANARIES,
    wrongToken: "canary-wrong-token",
    apiKey: merchant.apiKey,
    apiV3Key: merchant.apiV3Key,
    privateKey: API_CERTIFICATE.privateKey.split("\n")[1] ?? "",
    anyPrivateKey: "PRIVATE KEY",
    salt: registered.salt,
    rotatedSalt,
    webhookSecret: registered.webhookSecret.replace("whsec_", ""),
    anyWebhookSecret: "whsec_",
    openId: OPEN_ID,
    usualOpenId: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    accessToken: ACCESS_TOKEN,
  };
  const found = Object.entries(secrets).filter(([, secret]) => log.includes(secret));
  expect(found.map(([name]) => name)).toEqual([]);
});

test("log: has a line with the answer's X-Request-Id", async (t) => {
  const { gatewayUrl } = await openShop(t);
  const response = await fetch(`${gatewayUrl}/order`, { method: "POST" });
  const requestId = response.headers.get("x-request-id") ?? "none";
  await eventually(`a line with ${requestId}`, () => {
    const log = readFileSync(inject("gatewayLog"), "utf8");
    return log.includes(`"requestId":"${requestId}"`) ? true : undefined;
  });
});

test("admin API: secrets are shown once, and in no later answer", async (t) => {
  const { admin, app, registered, merchant } = await openShop(t);
  const answers = await Promise.all([
    admin.call("GET", `/apps/${app.id}`, z.unknown()),
    admin.call("GET", "/apps?limit=100", z.unknown()),
    admin.call("PATCH", `/apps/${app.id}`, z.unknown(), { name: "renamed" }),
    admin.call("GET", `/merchants/${merchant.id}`, z.unknown()),
    admin.call("GET", "/merchants?limit=100", z.unknown()),
  ]);
  const text = JSON.stringify(answers);
  for (const secret of [
    registered.salt,
    registered.webhookSecret,
    merchant.apiKey,
    merchant.apiV3Key,
  ]) {
    expect(text).not.toContain(secret);
  }
});
