import { describe, expect, test } from "vitest";
import { sign, verifySign } from "../../../src/wechat/v2/sign.ts";
import type { V2SignType } from "../../../src/wechat/types.ts";
import { API_KEY, APP_ID, order } from "../support/fixtures.ts";
import { stubWechat } from "../support/wechat-stub.ts";

const TYPES: V2SignType[] = ["MD5", "HMAC-SHA256"];
const NOW = Date.UTC(2014, 2, 25, 3, 44, 14, 999);

describe("bridge", () => {
  test.each(TYPES)("returns the six parameters, signed with the order's %s", async (signType) => {
    const { wechat, sent } = stubWechat([], { merchant: { signType: "MD5" } });
    const parameters = await wechat.bridge({ ...order, signType }, "wx2016", NOW);
    expect(parameters).toEqual({
      appId: APP_ID,
      timeStamp: "1395719054",
      nonceStr: expect.stringMatching(/^[0-9a-f]{32}$/),
      package: "prepay_id=wx2016",
      signType,
      paySign: expect.any(String),
    });
    const { paySign, ...unsigned } = parameters;
    expect(await sign(new Map(Object.entries(unsigned)), API_KEY, signType)).toBe(paySign);
    expect(await verifySign(new Map(Object.entries({ ...unsigned, sign: paySign })), API_KEY)).toBe(
      signType,
    );
    expect(sent).toHaveLength(0);
  });

  test("uses a new nonce each time", async () => {
    const { wechat } = stubWechat([]);
    const first = await wechat.bridge(order, "wx2016", NOW);
    const second = await wechat.bridge(order, "wx2016", NOW);
    expect(first.nonceStr).not.toBe(second.nonceStr);
  });
});
