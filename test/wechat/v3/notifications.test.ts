import { describe, expect, test } from "vitest";
import {
  readPaymentNotification,
  readRefundNotification,
} from "../../../src/wechat/v3/notifications.ts";
import { APP_ID, ORDER_NUMBER, REFUND_NO, TRANSACTION_ID } from "../support/fixtures.ts";
import { certificateB, keys } from "./support/fixtures.ts";
import {
  notificationBody,
  refundResource,
  signedHeaders,
  transaction,
  type Signing,
} from "./support/messages.ts";
import { stubV3 } from "./support/stub.ts";

const NOW_S = 1_790_000_000;

function messageOf(body: string, signing: Signing = {}) {
  return {
    headers: new Headers(signedHeaders(body, { timestamp: NOW_S, ...signing })),
    body: new TextEncoder().encode(body),
  };
}

const READERS = { pay: readPaymentNotification, refund: readRefundNotification };

async function kindOf(
  path: keyof typeof READERS,
  body: string,
  signing: Signing = {},
): Promise<string> {
  const { client } = stubV3([]);
  const read = await READERS[path](client, messageOf(body, signing), NOW_S * 1000);
  return read.ok ? "read" : read.error.kind;
}

const PAID = "TRANSACTION.SUCCESS";
const paid = (changes: object = {}, resource: object = {}) =>
  notificationBody(PAID, transaction(changes), resource);
const refunded = (changes: object = {}, event = "REFUND.SUCCESS") =>
  notificationBody(event, refundResource(changes));

describe("readPaymentNotification", () => {
  test.each([keys.publicKey, keys.certificateA])(
    "reads a notification signed with $id",
    async (signer) => {
      const { client } = stubV3([]);
      const message = messageOf(paid(), { signer });
      expect(await readPaymentNotification(client, message, NOW_S * 1000)).toEqual({
        ok: true,
        value: {
          orderNumber: ORDER_NUMBER,
          wechatAppId: APP_ID,
          transactionId: TRANSACTION_ID,
          totalFen: 888,
          attach: "自定义数据",
          paidAt: Date.UTC(2018, 5, 8, 2, 34, 56),
          signType: "RSA",
        },
      });
    },
  );

  test("looks up a key that is missing from the settings", async () => {
    const { client, lookedUp } = stubV3([], { lateKey: certificateB });
    const message = messageOf(paid(), { signer: keys.certificateB });
    expect(await readPaymentNotification(client, message, NOW_S * 1000)).toMatchObject({
      ok: true,
    });
    expect(lookedUp).toEqual([certificateB.id]);
  });

  test("ignores unknown fields", async () => {
    expect(await kindOf("pay", paid({ brand_new: [1] }, { brand_new: null }))).toBe("read");
  });

  test.each<[string, () => [string, Signing?]]>([
    ["unknown-key", () => [paid(), { signer: keys.certificateB }]],
    ["stale", () => [paid(), { timestamp: NOW_S - 301 }]],
    ["stale", () => [paid(), { timestamp: NOW_S + 301 }]],
    ["unreadable", () => ["SUCCESS"]],
    ["unreadable", () => ["[]"]],
    ["unreadable", () => [paid().replace('resource":', 'resources":')]],
    ["unreadable", () => [paid({}, { algorithm: "AEAD_SM4_GCM" })]],
    ["unreadable", () => [paid({}, { ciphertext: 1 })]],
    ["unexpected", () => [refunded()]],
    ["unexpected", () => [notificationBody("PAYSCORE.USER_OPEN_SERVICE", transaction())]],
    ["undecryptable", () => [notificationBody(PAID, transaction(), {}, "x".repeat(32))]],
    ["undecryptable", () => [paid({}, { associated_data: "other" })]],
    ["undecryptable", () => [paid({}, { nonce: "fdasflkja485" })]],
    ["undecryptable", () => [paid({}, { ciphertext: "AAAA" })]],
    ["undecryptable", () => [paid({}, { ciphertext: "*" })]],
    ["wrong-identity", () => [paid({ mchid: "10000101" })]],
    ["malformed", () => [paid({ trade_state: "NOTPAY" })]],
    ["malformed", () => [paid({ trade_state: "REFUND" })]],
    ["malformed", () => [paid({ mchid: undefined })]],
    ["malformed", () => [paid({ appid: "" })]],
    ["malformed", () => [paid({ out_trade_no: "" })]],
    ["malformed", () => [paid({ transaction_id: "" })]],
    ["malformed", () => [paid({ amount: { payer_total: 888, currency: "CNY" } })]],
    ["malformed", () => [paid({ amount: { total: "888" } })]],
    ["malformed", () => [paid({ amount: { total: 888, currency: "USD" } })]],
  ])("returns %s (case %#)", async (kind, input) => {
    expect(await kindOf("pay", ...input())).toBe(kind);
  });

  test("verifies before it parses the body", async () => {
    const { client } = stubV3([]);
    const message = { ...messageOf(paid()), body: new TextEncoder().encode("{") };
    expect(await readPaymentNotification(client, message, NOW_S * 1000)).toMatchObject({
      error: { kind: "wrong-signature" },
    });
  });
});

describe("I9: readPaymentNotification", () => {
  test("doesn't reveal the content or a key", async () => {
    const { client } = stubV3([]);
    const body = notificationBody(PAID, transaction(), {}, "x".repeat(32));
    const result = JSON.stringify(
      await readPaymentNotification(client, messageOf(body), NOW_S * 1000),
    );
    expect(result).toBe(
      '{"ok":false,"error":{"kind":"undecryptable","detail":"resource","rejection":"not accepted"}}',
    );
  });
});

describe("readRefundNotification", () => {
  test.each([
    ["REFUND.SUCCESS", "SUCCESS"],
    ["REFUND.ABNORMAL", "ABNORMAL"],
    ["REFUND.CLOSED", "CLOSED"],
    ["REFUND.CLOSED", "A_NEW_STATUS"],
    ["REFUND.SUCCESS", undefined],
  ])(
    "needs only the two numbers of a %s notification, whatever its status (%s)",
    async (event, status) => {
      const { client } = stubV3([]);
      const message = messageOf(refunded({ refund_status: status }, event));
      expect(await readRefundNotification(client, message, NOW_S * 1000)).toEqual({
        ok: true,
        value: { orderNumber: ORDER_NUMBER, refundNo: REFUND_NO },
      });
    },
  );

  test.each<[string, () => [string, Signing?]]>([
    ["unknown-key", () => [refunded(), { signer: keys.certificateB }]],
    ["stale", () => [refunded(), { timestamp: NOW_S - 301 }]],
    ["unexpected", () => [paid()]],
    ["unexpected", () => [refunded({}, "REFUND.NEW")]],
    [
      "undecryptable",
      () => [notificationBody("REFUND.SUCCESS", refundResource(), {}, "x".repeat(32))],
    ],
    ["wrong-identity", () => [refunded({ mchid: "10000101" })]],
    ["malformed", () => [refunded({ mchid: undefined })]],
    ["malformed", () => [refunded({ out_trade_no: "" })]],
    ["malformed", () => [refunded({ out_refund_no: "" })]],
  ])("returns %s (case %#)", async (kind, input) => {
    expect(await kindOf("refund", ...input())).toBe(kind);
  });
});
