import { beforeEach, describe, expect, test } from "vitest";
import { signBridge, type Bridge } from "../src/rules/bridge.ts";
import type { SignType } from "../src/v2/sign.ts";
import { APP_ID, control, freshSandbox, KEY, pass, placeOrder, type Reply } from "./helpers.ts";

const NUMBER = "BRIDGE000001";

let prepayId: string;

beforeEach(async () => {
  await freshSandbox();
  prepayId = (await placeOrder(NUMBER))["prepay_id"] ?? "";
});

/** A sound bridge object with one thing changed. */
function bridge(changes: Partial<Bridge> = {}, key = KEY, signType: SignType = "MD5"): Bridge {
  const sound = {
    appId: APP_ID,
    timeStamp: "4102459506",
    nonceStr: "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
    package: `prepay_id=${prepayId}`,
    signType,
    ...changes,
  };
  return { ...signBridge(sound, key, signType), ...changes };
}

const payWith = async (it: Bridge, number = NUMBER): Promise<Reply> =>
  await control("POST", `/orders/${number}/pay`, { notify: false, bridge: it });

test("the published vector of paySign holds", () => {
  const unsigned = {
    appId: "wx2421b1c4370ec43b",
    timeStamp: "1395712654",
    nonceStr: "e61463f8efa94090b1f366cccfbbb444",
    package: "prepay_id=wx21201855730335ac86f8c43d1889123400",
    signType: "MD5",
  };
  const { paySign } = signBridge(unsigned, "192006250b4c09247ec02edce69f6a2d", "MD5");
  expect(paySign).toBe("48B47EB7B5EF3CDCF4589A7E56DFF3BD");
});

test("a sound bridge object opens the payment", async () => {
  expect(await payWith(bridge())).toMatchObject({ status: 200, json: { state: "SUCCESS" } });
});

test("each of an order's prepay_ids opens it", async () => {
  await placeOrder(NUMBER);
  expect(await payWith(bridge())).toMatchObject({ status: 200 });
});

test("an HMAC-SHA256 order wants an HMAC-SHA256 paySign", async () => {
  const order = await placeOrder("BRIDGE000002", { sign_type: "HMAC-SHA256" });
  prepayId = order["prepay_id"] ?? "";
  expect(await payWith(bridge(), "BRIDGE000002")).toMatchObject({ status: 409 });
  const hmac = bridge({}, KEY, "HMAC-SHA256");
  expect(await payWith(hmac, "BRIDGE000002")).toMatchObject({ status: 200 });
});

describe("WeChat's client refuses", () => {
  test.each<[string, () => Bridge]>([
    ["another appid", () => bridge({ appId: "wx0000000000000000" })],
    ["milliseconds", () => bridge({ timeStamp: "4102459506000" })],
    ["a malformed nonce", () => bridge({ nonceStr: "a b" })],
    ["another sign type", () => bridge({ signType: "HMAC-SHA256" })],
    ["a bare prepay_id", () => bridge({ package: prepayId })],
    ["another prepay_id", () => bridge({ package: `prepay_id=${prepayId}0` })],
    ["a wrong paySign", () => bridge({ paySign: "0".repeat(32) })],
    ["a paySign by another key", () => bridge({}, "k".repeat(32))],
  ])("%s", async (_what, make) => {
    const reply = await payWith(make());
    expect(reply).toMatchObject({
      status: 409,
      json: { error: expect.stringMatching(/^bridge: /) },
    });
  });

  test("a prepay_id older than two hours", async () => {
    pass(2 * 3_600_000 + 1);
    expect(await payWith(bridge())).toMatchObject({ status: 409 });
    prepayId = (await placeOrder(NUMBER))["prepay_id"] ?? "";
    expect(await payWith(bridge())).toMatchObject({ status: 200 });
  });
});
