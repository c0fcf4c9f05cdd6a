import { createHash, createHmac } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  payCallback,
  payEventId,
  refundCallback,
  refundEventId,
} from "../../../src/contract/callback/content.ts";
import { signCallback } from "../../../src/contract/callback/signed-callback.ts";
import { parseCreateOrder } from "../../../src/contract/create-order.ts";
import { readParameters } from "../../../src/contract/parameters.ts";
import { parseRefundMoney } from "../../../src/contract/refund-money.ts";
import { verifySignature } from "../../../src/contract/signature.ts";
import { paidOrder, parameterSets, refund, refusalOf } from "../support.ts";

const salt = "5f3c1e0a9b7d42868c1fd0e2a4b69371";
const newSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const oldSecret = "whsec_/+8gICEiIyQlJicoKSorLC0uLzAxMjM0";
const keys = { salt, webhookSecrets: [newSecret], eventId: "pay_x", nowAt: 1_500_556_700_999 };

const order = { ...paidOrder, appOrderNo: "A-1", attach: "会员 *续费*~" };

describe("callback fields", () => {
  test("lists a payment's fields in the documented order, all strings", () => {
    expect([...payCallback(order)]).toEqual([
      ["appId", "1"],
      ["event", "pay"],
      ["eventId", "pay_b9422280c58b415cab0571c95c07607d"],
      ["order_id", "30"],
      ["pay_order_number", "b9422280c58b415cab0571c95c07607d"],
      ["app_order_no", "A-1"],
      ["attach", "会员 *续费*~"],
      ["total_free", "100"],
      ["pay_state", "2"],
      ["transaction_id", "4008662001201707201798718285"],
      ["pay_time", "1500556200"],
    ]);
  });

  test("appends the refund's fields to the payment's", () => {
    expect([...refundCallback(order, { ...refund, appRefundNo: "R-1" })]).toEqual([
      ["appId", "1"],
      ["event", "refund"],
      ["eventId", "refund_56bbb455865e4fd398f0ceecf58ecd25_succeeded"],
      ["order_id", "30"],
      ["pay_order_number", "b9422280c58b415cab0571c95c07607d"],
      ["app_order_no", "A-1"],
      ["attach", "会员 *续费*~"],
      ["total_free", "100"],
      ["pay_state", "2"],
      ["transaction_id", "4008662001201707201798718285"],
      ["refund_no", "56bbb455865e4fd398f0ceecf58ecd25"],
      ["refund_id", "50000503652017072001429513373"],
      ["app_refund_no", "R-1"],
      ["refund_free", "40"],
      ["ref_state", "4"],
      ["refund_time", "1500556630"],
    ]);
  });

  test("has the refund's time only of a success, empty when WeChat reported none", () => {
    for (const state of ["abnormal", "closed"] as const) {
      expect(refundCallback(order, { ...refund, state }).has("refund_time")).toBe(false);
    }
    const undated = refundCallback(order, { ...refund, succeededAt: null });
    expect(undated.get("refund_time")).toBe("");
    expect(payCallback({ ...order, paidAt: null }).get("pay_time")).toBe("");
  });

  test("omits what the app didn't send, and is empty where WeChat sent nothing", () => {
    const refused = { ...refund, refundId: null, state: "refused" } as const;
    const fields = refundCallback({ ...paidOrder, transactionId: null }, refused);
    for (const name of ["app_order_no", "attach", "app_refund_no"]) {
      expect(fields.has(name)).toBe(false);
    }
    expect(fields.get("refund_id")).toBe("");
    expect(fields.get("transaction_id")).toBe("");
    expect(fields.get("ref_state")).toBe("1");
  });

  test("has one event id per outcome", () => {
    expect(payEventId("n")).toBe("pay_n");
    expect(refundEventId("r", "refused")).toBe("refund_r_refused");
    expect(refundEventId("r", "abnormal")).toBe("refund_r_abnormal");
    expect(refundEventId("r", "succeeded")).toBe("refund_r_succeeded");
  });
});

describe("signCallback", () => {
  test("encodes and signs the body as PHP does", async () => {
    const fields = new Map([
      ["b", "中 ~*"],
      ["a", "1"],
    ]);
    const { body } = await signCallback(fields, keys);
    const signed = "a=1&b=%E4%B8%AD+%7E%2A&timestamp=1500556700";
    const sign = createHash("sha1").update(`${salt}${signed}${salt}`).digest("hex");
    expect(body).toBe(`b=%E4%B8%AD+%7E%2A&a=1&timestamp=1500556700&sign=${sign}`);
  });

  test("decodes to the same fields and verifies like a request, for any fields", async () => {
    await fc.assert(
      fc.asyncProperty(parameterSets, async (fields) => {
        const { body, headers } = await signCallback(fields, keys);
        const bytes = new TextEncoder().encode(body);
        const read = readParameters(headers["content-type"] ?? null, bytes);
        if (!read.ok) throw new Error(read.error.detail);
        expect([...read.value.keys()]).toEqual([...fields.keys(), "timestamp", "sign"]);
        for (const [name, value] of fields) expect(read.value.get(name)).toBe(value);
        expect(await verifySignature(read.value, read.value.get("sign") ?? "", [salt])).toBe(true);
      }),
    );
  });

  test("sets Standard Webhooks headers that an independent HMAC confirms", async () => {
    const { body, headers } = await signCallback(payCallback(order), keys);
    const mac = createHmac("sha256", Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64"))
      .update(`pay_x.1500556700.${body}`)
      .digest("base64");
    expect(headers).toEqual({
      "content-type": "application/x-www-form-urlencoded; charset=utf-8",
      "webhook-id": "pay_x",
      "webhook-timestamp": "1500556700",
      "webhook-signature": `v1,${mac}`,
    });
  });

  test("sends two signatures during a rotation, the new secret's first", async () => {
    const webhookSecrets = [newSecret, oldSecret];
    const { body, headers } = await signCallback(payCallback(order), { ...keys, webhookSecrets });
    const macs = webhookSecrets.map((secret) =>
      createHmac("sha256", Buffer.from(secret.slice("whsec_".length), "base64"))
        .update(`pay_x.1500556700.${body}`)
        .digest("base64"),
    );
    expect(headers["webhook-signature"]).toBe(`v1,${macs[0]} v1,${macs[1]}`);
    expect(macs[0]).not.toBe(macs[1]);
  });

  test.each(["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])(
    "throws for a malformed secret: %j",
    async (secret) => {
      await expect(
        signCallback(payCallback(order), { ...keys, webhookSecrets: [secret] }),
      ).rejects.toThrow("webhook secret");
    },
  );

  // Both directions use the same salt, so a leaked callback could be sent back as a request.
  test("is refused when sent back as a refund request or an order", () => {
    const fields = refundCallback(order, { ...refund, appRefundNo: "R-1" });
    expect(refusalOf(parseRefundMoney(fields))).toMatch(/^platForm 必传/);
    expect(refusalOf(parseCreateOrder(fields))).toMatch(/^platForm 必传/);
  });
});
