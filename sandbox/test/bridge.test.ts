import { beforeEach, describe, expect, test } from "vitest";
import { signBridge, type Bridge } from "../src/rules/bridge.ts";
import type { SignType } from "../src/v2/sign.ts";
import {
  advanceClock,
  APP_ID,
  control,
  KEY,
  placeOrder,
  resetSandbox,
  type ControlResponse,
} from "./helpers.ts";

const NUMBER = "BRIDGE000001";

let prepayId: string;

beforeEach(async () => {
  await resetSandbox();
  prepayId = (await placeOrder(NUMBER))["prepay_id"] ?? "";
});

/** Valid bridge parameters with changes. */
function bridgeParams(
  changes: Partial<Bridge> = {},
  key = KEY,
  signType: SignType = "MD5",
): Bridge {
  const valid = {
    appId: APP_ID,
    timeStamp: "4102459506",
    nonceStr: "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
    package: `prepay_id=${prepayId}`,
    signType,
    ...changes,
  };
  return { ...signBridge(valid, key, signType), ...changes };
}

const payWith = async (it: Bridge, number = NUMBER): Promise<ControlResponse> =>
  await control("POST", `/orders/${number}/pay`, { notify: false, bridge: it });

test("signBridge reproduces the published paySign", () => {
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

test("valid bridge parameters pay the order", async () => {
  expect(await payWith(bridgeParams())).toMatchObject({ status: 200, json: { state: "SUCCESS" } });
});

test("every prepay_id of an order pays it", async () => {
  await placeOrder(NUMBER);
  expect(await payWith(bridgeParams())).toMatchObject({ status: 200 });
});

test("an HMAC-SHA256 order requires an HMAC-SHA256 paySign", async () => {
  const order = await placeOrder("BRIDGE000002", { sign_type: "HMAC-SHA256" });
  prepayId = order["prepay_id"] ?? "";
  expect(await payWith(bridgeParams(), "BRIDGE000002")).toMatchObject({ status: 409 });
  const hmac = bridgeParams({}, KEY, "HMAC-SHA256");
  expect(await payWith(hmac, "BRIDGE000002")).toMatchObject({ status: 200 });
});

describe("bridge parameters are refused with", () => {
  test.each<[string, () => Bridge]>([
    ["another appid", () => bridgeParams({ appId: "wx0000000000000000" })],
    ["milliseconds", () => bridgeParams({ timeStamp: "4102459506000" })],
    ["a malformed nonce", () => bridgeParams({ nonceStr: "a b" })],
    ["another sign type", () => bridgeParams({ signType: "HMAC-SHA256" })],
    ["a bare prepay_id", () => bridgeParams({ package: prepayId })],
    ["another prepay_id", () => bridgeParams({ package: `prepay_id=${prepayId}0` })],
    ["a wrong paySign", () => bridgeParams({ paySign: "0".repeat(32) })],
    ["a paySign by another key", () => bridgeParams({}, "k".repeat(32))],
  ])("%s", async (_what, make) => {
    const response = await payWith(make());
    expect(response).toMatchObject({
      status: 409,
      json: { error: expect.stringMatching(/^bridge: /) },
    });
  });

  test("a prepay_id older than two hours", async () => {
    advanceClock(2 * 3_600_000 + 1);
    expect(await payWith(bridgeParams())).toMatchObject({ status: 409 });
    prepayId = (await placeOrder(NUMBER))["prepay_id"] ?? "";
    expect(await payWith(bridgeParams())).toMatchObject({ status: 200 });
  });
});
