import { exports } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { yuan } from "../src/page/format.ts";
import {
  control,
  mockMerchant,
  ORIGIN,
  placeOrder,
  placePaidOrder,
  requestRefund,
  resetSandbox,
  runAlarm,
} from "./helpers.ts";
import { placeOrderV3 } from "./v3-helpers.ts";

const NUMBER = "PAGE00000001";

beforeEach(resetSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

const load = async (): Promise<Response> => await exports.default.fetch(`${ORIGIN}/`);
const page = async (): Promise<string> => await (await load()).text();

/** The paths of the buttons on the page. */
const buttons = (html: string): string[] =>
  Array.from(html.matchAll(/data-path="([^"]+)"/g), (match) => match[1] ?? "");

const orderButtons = async (): Promise<string[]> =>
  buttons(await page()).filter((it) => it.startsWith("/orders/"));

const refundButtons = async (): Promise<string[]> =>
  buttons(await page()).filter((it) => it.startsWith("/refunds/"));

test("the page of an empty sandbox explains how to start", async () => {
  const html = await page();
  expect(html).toContain("No orders yet");
  expect(html).toContain("1900000109");
  expect(buttons(html)).toEqual(["/reset", "/merchants/1900000109", "/merchants/1900000109"]);
});

test("the page's policy allows only its own script and style", async () => {
  const response = await load();
  const policy = response.headers.get("content-security-policy") ?? "";
  const nonce = /script-src 'nonce-([^']+)'/.exec(policy)?.[1] ?? "none";
  expect(policy).toContain("default-src 'none'");
  const html = await response.text();
  expect(html).toContain(`<script nonce="${nonce}">`);
  expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  expect(html).not.toMatch(/ on[a-z]+="/);
});

test("/parts returns only the live parts of the page", async () => {
  await placeOrder(NUMBER);
  const whole = await page();
  const response = await exports.default.fetch(`${ORIGIN}/parts`);
  const parts = await response.text();
  expect(parts).toContain(NUMBER);
  expect(parts).not.toContain("<script");
  const ids = Array.from(parts.matchAll(/id="([^"]+)"/g), (match) => match[1]);
  expect(ids).toEqual(["orders", "faults", "keys", "calls", "settings"]);
  for (const id of ids) expect(whole).toContain(`id="${id}"`);
});

test("the page escapes merchants' text", async () => {
  const nasty = `<script>alert("1")</script>&'`;
  await placeOrder(NUMBER, { body: nasty, attach: "</dd><img src=x onerror=alert(1)>" });
  mockMerchant(() => new Response("<img src=x onerror=alert(1)>", { status: 500 }));
  await control("POST", `/orders/${NUMBER}/pay`);
  await runAlarm();
  const html = await page();
  expect(html).not.toContain("<script>alert");
  expect(html).not.toContain("<img");
  expect(html).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;");
});

test("the page shows the buttons of an order by its state", async () => {
  await placeOrder(NUMBER);
  const path = `/orders/${NUMBER}`;
  expect(await orderButtons()).toEqual([`${path}/pay`, `${path}/fail`, `${path}/close`]);
  await control("POST", `${path}/close`);
  expect(await orderButtons()).toEqual([]);
  await control("POST", "/reset");
  await placePaidOrder(NUMBER);
  expect(await orderButtons()).toEqual([`${path}/notify`, `${path}/platform-refund`]);
  await control("POST", `${path}/platform-refund`);
  expect(await orderButtons()).toEqual([`${path}/notify`]);
});

test("the page shows the buttons of a refund by its status", async () => {
  await placePaidOrder(NUMBER);
  await requestRefund(NUMBER, "R@|1");
  const path = "/refunds/R%40%7C1";
  expect(await refundButtons()).toEqual(Array.from({ length: 3 }, () => `${path}/outcome`));
  await control("POST", `${path}/outcome`, { status: "CHANGE", notify: false });
  expect(await refundButtons()).toEqual([`${path}/outcome`, `${path}/outcome`, `${path}/notify`]);
  await control("POST", `${path}/outcome`, { status: "SUCCESS", notify: false });
  expect(await refundButtons()).toEqual([`${path}/notify`]);
});

test("the page shows armed faults and a button to clear them", async () => {
  await control("POST", "/faults", { on: "call", path: "refund", fault: "slow", times: 3 });
  const html = await page();
  expect(html).toContain("×3");
  expect(buttons(html)).toContain("/faults");
});

test("the page shows the merchant and the refund of a bill fault", async () => {
  const fault = { on: "bill", fault: "missing-line", outRefundNo: "R1", mchId: "1900000109" };
  await control("POST", "/faults", fault);
  const html = await page();
  expect(html).toMatch(/<b>missing-line<\/b> · bill of 1900000109\s+· <code>R1<\/code>/);
});

test("the page shows the newest hundred orders", async () => {
  for (let count = 0; count < 101; count++) await placeOrder(`MANY${1000 + count}`);
  const html = await page();
  expect(html).toContain("MANY1100");
  expect(html.match(/<article/g)).toHaveLength(100);
  expect(html).toContain("1 older orders are not shown");
});

test.each([
  [1, "¥0.01"],
  [10, "¥0.10"],
  [100, "¥1.00"],
  [129_900, "¥1,299.00"],
  [2_147_483_647, "¥21,474,836.47"],
])("the page shows %d fen as %s", (fee, text) => {
  expect(yuan(fee)).toBe(text);
});

test("the page shows the protocol of an order and marks signature probes", async () => {
  await placeOrder(NUMBER);
  expect(await page()).toContain('<span class="tag">APIv2</span>');
  await control("POST", "/reset");
  await placeOrderV3(NUMBER);
  await control("POST", "/faults", { on: "notification", kind: "pay", fault: "probe" });
  await control("POST", `/orders/${NUMBER}/pay`);
  const html = await page();
  expect(html).toContain('<span class="tag">APIv3</span>');
  expect(html).not.toContain('<span class="tag">APIv2</span>');
  expect(html.match(/signature probe/g)).toHaveLength(1);
});

const changeMode = async (body: object): Promise<void> => {
  await control("PATCH", "/merchants/1900000109", body);
};

test("the page shows the next step of a merchant's key switch", async () => {
  expect(await page()).toContain("Switch to the public key");
  await changeMode({ verifyMode: "switching", switchPercent: 0.1 });
  expect(await page()).toContain("&quot;switchPercent&quot;:1}");
  await changeMode({ verifyMode: "switching", switchPercent: 100 });
  const last = await page();
  expect(last).toContain("Finish");
  expect(last).toContain("Back to certificates");
  await changeMode({ verifyMode: "public-key" });
  const done = await page();
  expect(done).not.toContain("Finish");
  expect(done).toContain("Back to certificates");
});
