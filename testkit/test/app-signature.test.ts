import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { isCallbackSigned, isWebhookSigned, signFields } from "../app-signature.ts";

const SALT = "992a7f0b35d90fa9d45fe7a669414fbb";
const SECRET = `whsec_${Buffer.from("a secret of a test").toString("base64")}`;
const BODY = "appId=1&event=pay&total_free=100";

/** Headers written from the Standard Webhooks specification, without its library. */
function webhookHeaders(body: string, timestamp: number): Record<string, string> {
  const key = Buffer.from(SECRET.slice("whsec_".length), "base64");
  const mac = createHmac("sha256", key).update(`pay_1.${timestamp}.${body}`).digest("base64");
  return {
    "webhook-id": "pay_1",
    "webhook-timestamp": String(timestamp),
    "webhook-signature": `v1,${mac}`,
  };
}

describe("isWebhookSigned", () => {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const headers = webhookHeaders(BODY, nowSeconds);

  test("accepts a form body with valid headers", () => {
    expect(isWebhookSigned(headers, BODY, SECRET)).toBe(true);
  });

  test.for([
    ["another body", headers, `${BODY}0`],
    ["another id", { ...headers, "webhook-id": "pay_2" }, BODY],
    ["another timestamp", { ...headers, "webhook-timestamp": String(nowSeconds - 1) }, BODY],
    ["a timestamp of six minutes ago", webhookHeaders(BODY, nowSeconds - 360), BODY],
    ["no headers", {}, BODY],
  ] as const)("rejects %s", ([, changed, body]) => {
    expect(isWebhookSigned(changed, body, SECRET)).toBe(false);
  });

  test("rejects another secret", () => {
    expect(isWebhookSigned(headers, BODY, `whsec_${btoa("another secret")}`)).toBe(false);
  });
});

describe("isCallbackSigned", () => {
  const sign = signFields(Object.fromEntries(new URLSearchParams(BODY)), SALT);

  test("accepts a body with the contract's sign", () => {
    expect(isCallbackSigned(`${BODY}&sign=${sign}`, SALT)).toBe(true);
  });

  test.for([
    ["a changed field", `${BODY}0&sign=${sign}`, SALT],
    ["an added field", `${BODY}&x=1&sign=${sign}`, SALT],
    ["no sign", BODY, SALT],
    ["another salt", `${BODY}&sign=${sign}`, "0".repeat(32)],
  ] as const)("rejects %s", ([, body, salt]) => {
    expect(isCallbackSigned(body, salt)).toBe(false);
  });
});
