import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RETRY_WAITS_MS } from "../src/ledger/notifications.ts";
import {
  advanceClock,
  APP_ID,
  control,
  MCH_ID,
  mockMerchant,
  orderDetails,
  resetSandbox,
  runAlarm,
  SECOND_APP_ID,
} from "./helpers.ts";
import {
  decrypt,
  DEMO_KEY,
  eventOf,
  FIRST_SERIAL,
  hasValidSignature,
  placeOrderV3,
  placePaidOrderV3,
  queryOrderV3,
  requestRefundV3,
  SERIAL,
  signRsa,
} from "./v3-helpers.ts";
import certificate from "../keys/demo-merchant.cert.pem";

const NUMBER = "NOTIFIED3001";

beforeEach(resetSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

const acknowledge = (): Response => new Response(null, { status: 204 });

describe("the APIv3 notification of a payment", () => {
  test("is signed and contains the encrypted order as a query returns it", async () => {
    const posts = mockMerchant(acknowledge);
    await placeOrderV3(NUMBER, { attach: "附加" });
    await control("POST", `/orders/${NUMBER}/pay`);
    await runAlarm();

    expect(posts).toHaveLength(1);
    const [post] = posts;
    expect(post).toMatchObject({ url: "https://merchant.test/notify", redirect: "manual" });
    expect(post?.headers.get("content-type")).toBe("application/json");
    expect(post?.headers.get("wechatpay-serial")).toBe(FIRST_SERIAL);
    expect(hasValidSignature(post?.headers ?? new Headers(), post?.body ?? "")).toBe(true);
    const { event, resource } = eventOf(post);
    expect(event).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      create_time: "2100-01-01T12:05:06+08:00",
      resource_type: "encrypt-resource",
      event_type: "TRANSACTION.SUCCESS",
      summary: "支付成功",
      resource: {
        original_type: "transaction",
        algorithm: "AEAD_AES_256_GCM",
        ciphertext: expect.any(String),
        associated_data: "transaction",
        nonce: expect.stringMatching(/^.{12}$/),
      },
    });
    expect(resource).toEqual((await queryOrderV3(NUMBER)).json);
    expect(() => decrypt(event["resource"], "x".repeat(32))).toThrow();
    expect(await orderDetails(NUMBER)).toMatchObject({
      notifications: [{ protocol: "v3", state: "acknowledged", probe: false }],
    });
  });

  test("still has SUCCESS when sent again after a refund", async () => {
    const posts = mockMerchant(acknowledge);
    await placePaidOrderV3(NUMBER);
    await requestRefundV3(NUMBER, "R1");
    await control("POST", `/orders/${NUMBER}/notify`);
    await runAlarm();
    expect(eventOf(posts[0]).resource).toMatchObject({ trade_state: "SUCCESS" });
  });

  test("is not sent to a merchant without an APIv3 key", async () => {
    const posts = mockMerchant(acknowledge);
    await control("POST", "/merchants", {
      mchId: MCH_ID,
      apiKey: "k".repeat(32),
      appIds: [APP_ID, SECOND_APP_ID],
      merchantCertificate: certificate,
    });
    await placeOrderV3(NUMBER);
    await control("POST", `/orders/${NUMBER}/pay`);
    await runAlarm();
    expect(posts).toHaveLength(0);
    expect((await orderDetails(NUMBER)).notifications).toMatchObject([{ state: "given-up" }]);
  });
});

test.each([
  ["SUCCESS", "REFUND.SUCCESS", "SUCCESS", "2100-01-01T12:05:06+08:00"],
  ["CHANGE", "REFUND.ABNORMAL", "ABNORMAL", undefined],
  ["REFUNDCLOSE", "REFUND.CLOSED", "CLOSED", undefined],
])(
  "the APIv3 notification of a refund with outcome %s is %s",
  async (outcome, type, status, successTime) => {
    const posts = mockMerchant(acknowledge);
    await placePaidOrderV3(NUMBER);
    const { json } = await requestRefundV3(NUMBER, "R1");
    await control("POST", "/refunds/R1/outcome", { status: outcome });
    await runAlarm();
    expect(posts[0]?.url).toBe("https://merchant.test/refunded");
    const { event, resource } = eventOf(posts[0]);
    expect(event).toMatchObject({ event_type: type, resource: { original_type: "refund" } });
    expect(resource).toEqual({
      mchid: MCH_ID,
      transaction_id: json["transaction_id"],
      out_trade_no: NUMBER,
      refund_id: json["refund_id"],
      out_refund_no: "R1",
      refund_status: status,
      ...(successTime === undefined ? {} : { success_time: successTime }),
      user_received_account: "支付用户零钱",
      amount: { total: 100, refund: 40, payer_total: 100, payer_refund: 40 },
    });
  },
);

test("the APIv3 notification of a refund is not sent without a notify_url", async () => {
  const posts = mockMerchant(acknowledge);
  await placePaidOrderV3(NUMBER);
  await requestRefundV3(NUMBER, "R1", { notify_url: undefined });
  await control("POST", "/refunds/R1/outcome", { status: "SUCCESS" });
  await runAlarm();
  expect(posts).toHaveLength(0);
  expect(await control("POST", "/refunds/R1/notify")).toMatchObject({ status: 409 });
});

test.each([
  [200, "", true],
  [204, null, true],
  [200, '{"code":"FAIL"}', true],
  [201, "", false],
  [302, "", false],
  [401, '{"code":"FAIL","message":"no"}', false],
  [500, "", false],
])(
  "a response of %d %j acknowledges an APIv3 notification: %s",
  async (status, body, acknowledged) => {
    mockMerchant(() => new Response(body, { status }));
    await placeOrderV3(NUMBER);
    await control("POST", `/orders/${NUMBER}/pay`);
    await runAlarm();
    const [notification] = (await orderDetails(NUMBER)).notifications;
    expect(notification?.state).toBe(acknowledged ? "acknowledged" : "waiting");
  },
);

test("APIv3 attempts follow WeChat's schedule with the same body and a new signature each", async () => {
  const posts = mockMerchant(() => new Response("no", { status: 500 }));
  await placeOrderV3(NUMBER);
  await control("POST", `/orders/${NUMBER}/pay`);
  await runAlarm();
  for (const wait of RETRY_WAITS_MS) {
    advanceClock(wait - 1);
    const before = posts.length;
    await runAlarm();
    expect(posts).toHaveLength(before);
    advanceClock(1);
    await runAlarm();
    expect(posts).toHaveLength(before + 1);
    const last = posts.at(-1);
    expect(hasValidSignature(last?.headers ?? new Headers(), last?.body ?? "")).toBe(true);
  }
  expect(posts).toHaveLength(16);
  expect(new Set(posts.map((post) => post.body)).size).toBe(1);
  expect(new Set(posts.map((post) => post.headers.get("wechatpay-nonce"))).size).toBe(16);
  expect(await runAlarm()).toBe(false);
  expect((await orderDetails(NUMBER)).notifications).toMatchObject([{ state: "given-up" }]);
});

const paySign = (bridge: Record<string, string>, key = DEMO_KEY): string =>
  signRsa(
    ["appId", "timeStamp", "nonceStr", "package"].map((it) => `${bridge[it]}\n`).join(""),
    key,
  );

const payWith = async (bridge: unknown): Promise<unknown> =>
  await control("POST", `/orders/${NUMBER}/pay`, { notify: false, bridge });

const validBridge = async (): Promise<Record<string, string>> => {
  const { json } = await placeOrderV3(NUMBER);
  const bridge = {
    appId: APP_ID,
    timeStamp: "4102459506",
    nonceStr: "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
    package: `prepay_id=${String(json["prepay_id"])}`,
    signType: "RSA",
  };
  return { ...bridge, paySign: paySign(bridge) };
};

describe("APIv3 bridge parameters", () => {
  test("pay the order when valid", async () => {
    expect(await payWith(await validBridge())).toMatchObject({ status: 200 });
  });

  test.each<[string, (bridge: Record<string, string>) => Record<string, string>]>([
    ["signType MD5", (it) => ({ ...it, signType: "MD5" })],
    ["the sign of another nonce", (it) => ({ ...it, nonceStr: "another" })],
    [
      "a sign that covers signType too",
      (it) => ({ ...it, paySign: signRsa(`${it["appId"]}\nRSA\n`) }),
    ],
    ["an empty sign", (it) => ({ ...it, paySign: "" })],
    ["a bare prepay_id", (it) => ({ ...it, package: (it["package"] ?? "").slice(10) })],
  ])("are refused with %s", async (_what, spoil) => {
    expect(await payWith(spoil(await validBridge()))).toMatchObject({ status: 409 });
  });

  test("are refused when the key that signed the order is removed", async () => {
    const bridge = await validBridge();
    await control("DELETE", `/merchants/${MCH_ID}/keys/${SERIAL}`);
    expect(await payWith(bridge)).toMatchObject({ status: 409 });
  });
});
