import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RETRY_WAITS_MS } from "../src/ledger/notifications.ts";
import {
  APP_ID,
  control,
  details,
  freshSandbox,
  MCH_ID,
  merchant,
  pass,
  runAlarm,
  SECOND_APP_ID,
} from "./helpers.ts";
import {
  decrypted,
  DEMO_KEY,
  eventOf,
  FIRST,
  placeOrder3,
  placePaidOrder3,
  queryOrder3,
  requestRefund3,
  rsa,
  wellSigned,
  SERIAL,
} from "./v3-helpers.ts";
import certificate from "../keys/demo-merchant.cert.pem";

const NUMBER = "NOTIFIED3001";

beforeEach(freshSandbox);
afterEach(() => {
  vi.restoreAllMocks();
});

const acknowledge = (): Response => new Response(null, { status: 204 });

describe("a payment", () => {
  test("is announced: signed, encrypted, and with what a query tells", async () => {
    const posts = merchant(acknowledge);
    await placeOrder3(NUMBER, { attach: "附加" });
    await control("POST", `/orders/${NUMBER}/pay`);
    await runAlarm();

    expect(posts).toHaveLength(1);
    const [post] = posts;
    expect(post).toMatchObject({ url: "https://merchant.test/notify", redirect: "manual" });
    expect(post?.headers.get("content-type")).toBe("application/json");
    expect(post?.headers.get("wechatpay-serial")).toBe(FIRST);
    expect(wellSigned(post?.headers ?? new Headers(), post?.body ?? "")).toBe(true);
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
    expect(resource).toEqual((await queryOrder3(NUMBER)).json);
    expect(() => decrypted(event["resource"], "x".repeat(32))).toThrow();
    expect(await details(NUMBER)).toMatchObject({
      notifications: [{ protocol: "v3", state: "acknowledged", probe: false }],
    });
  });

  test("that is announced again after a refund still says SUCCESS", async () => {
    const posts = merchant(acknowledge);
    await placePaidOrder3(NUMBER);
    await requestRefund3(NUMBER, "R1");
    await control("POST", `/orders/${NUMBER}/notify`);
    await runAlarm();
    expect(eventOf(posts[0]).resource).toMatchObject({ trade_state: "SUCCESS" });
  });

  test("is not announced to a merchant without an APIv3 key", async () => {
    const posts = merchant(acknowledge);
    await control("POST", "/merchants", {
      mchId: MCH_ID,
      apiKey: "k".repeat(32),
      appIds: [APP_ID, SECOND_APP_ID],
      merchantCertificate: certificate,
    });
    await placeOrder3(NUMBER);
    await control("POST", `/orders/${NUMBER}/pay`);
    await runAlarm();
    expect(posts).toHaveLength(0);
    expect((await details(NUMBER)).notifications).toMatchObject([{ state: "given-up" }]);
  });
});

test.each([
  ["SUCCESS", "REFUND.SUCCESS", "SUCCESS", "2100-01-01T12:05:06+08:00"],
  ["CHANGE", "REFUND.ABNORMAL", "ABNORMAL", undefined],
  ["REFUNDCLOSE", "REFUND.CLOSED", "CLOSED", undefined],
])("a refund that ends as %s is announced as %s", async (outcome, type, status, successTime) => {
  const posts = merchant(acknowledge);
  await placePaidOrder3(NUMBER);
  const { json } = await requestRefund3(NUMBER, "R1");
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
});

test("a refund without a notify_url is not announced", async () => {
  const posts = merchant(acknowledge);
  await placePaidOrder3(NUMBER);
  await requestRefund3(NUMBER, "R1", { notify_url: undefined });
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
])("an answer of %d %j means received: %s", async (status, body, received) => {
  merchant(() => new Response(body, { status }));
  await placeOrder3(NUMBER);
  await control("POST", `/orders/${NUMBER}/pay`);
  await runAlarm();
  const [notification] = (await details(NUMBER)).notifications;
  expect(notification?.state).toBe(received ? "acknowledged" : "waiting");
});

test("attempts follow WeChat's schedule, each signed at its own time, the same in content", async () => {
  const posts = merchant(() => new Response("no", { status: 500 }));
  await placeOrder3(NUMBER);
  await control("POST", `/orders/${NUMBER}/pay`);
  await runAlarm();
  for (const wait of RETRY_WAITS_MS) {
    pass(wait - 1);
    const before = posts.length;
    await runAlarm();
    expect(posts).toHaveLength(before);
    pass(1);
    await runAlarm();
    expect(posts).toHaveLength(before + 1);
    const last = posts.at(-1);
    expect(wellSigned(last?.headers ?? new Headers(), last?.body ?? "")).toBe(true);
  }
  expect(posts).toHaveLength(16);
  expect(new Set(posts.map((post) => post.body)).size).toBe(1);
  expect(new Set(posts.map((post) => post.headers.get("wechatpay-nonce"))).size).toBe(16);
  expect(await runAlarm()).toBe(false);
  expect((await details(NUMBER)).notifications).toMatchObject([{ state: "given-up" }]);
});

const paySign = (bridge: Record<string, string>, key = DEMO_KEY): string =>
  rsa(["appId", "timeStamp", "nonceStr", "package"].map((it) => `${bridge[it]}\n`).join(""), key);

const payWith = async (bridge: unknown): Promise<unknown> =>
  await control("POST", `/orders/${NUMBER}/pay`, { notify: false, bridge });

const soundBridge = async (): Promise<Record<string, string>> => {
  const { json } = await placeOrder3(NUMBER);
  const bridge = {
    appId: APP_ID,
    timeStamp: "4102459506",
    nonceStr: "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
    package: `prepay_id=${String(json["prepay_id"])}`,
    signType: "RSA",
  };
  return { ...bridge, paySign: paySign(bridge) };
};

describe("the page's bridge object", () => {
  test("opens the payment when it is sound", async () => {
    expect(await payWith(await soundBridge())).toMatchObject({ status: 200 });
  });

  test.each<[string, (bridge: Record<string, string>) => Record<string, string>]>([
    ["signType MD5", (it) => ({ ...it, signType: "MD5" })],
    ["the sign of another nonce", (it) => ({ ...it, nonceStr: "another" })],
    ["a sign that covers signType too", (it) => ({ ...it, paySign: rsa(`${it["appId"]}\nRSA\n`) })],
    ["an empty sign", (it) => ({ ...it, paySign: "" })],
    ["a bare prepay_id", (it) => ({ ...it, package: (it["package"] ?? "").slice(10) })],
  ])("is refused with %s", async (_what, spoil) => {
    expect(await payWith(spoil(await soundBridge()))).toMatchObject({ status: 409 });
  });

  test("is refused when the key that signed its order is gone", async () => {
    const bridge = await soundBridge();
    await control("DELETE", `/merchants/${MCH_ID}/keys/${SERIAL}`);
    expect(await payWith(bridge)).toMatchObject({ status: 409 });
  });
});
