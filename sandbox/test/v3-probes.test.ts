import { beforeEach, describe, expect, test } from "vitest";
import { control, MCH_ID, orderDetails, resetSandbox } from "./helpers.ts";
import { armFault, hasValidSignature, orderBody, sendV3, type V3Response } from "./v3-helpers.ts";

const NUMBER = "PROBED300001";
const QUERY = `/v3/pay/transactions/out-trade-no/${NUMBER}?mchid=${MCH_ID}`;

beforeEach(resetSandbox);

const order = async (): Promise<V3Response> =>
  await sendV3("POST", "/v3/pay/transactions/jsapi", orderBody(NUMBER));
const query = async (): Promise<V3Response> => await sendV3("GET", QUERY);

const probed = ({ headers }: V3Response): boolean =>
  headers.get("wechatpay-signature")?.startsWith("WECHATPAY/SIGNTEST/") === true;

describe("signature probes of APIv3 responses", () => {
  test("are sent at the rate probeRate, but never for a repeated call", async () => {
    await control("PATCH", "/settings", { probeRate: 1 });
    const first = await order();
    const second = await order();
    const third = await order();
    expect([first, second, third].map(probed)).toEqual([true, false, true]);
    expect(hasValidSignature(second.headers, second.text)).toBe(true);
    expect(await orderDetails(NUMBER)).toMatchObject({ prepayCalls: 3 });
  });

  test("are tracked per call", async () => {
    await control("PATCH", "/settings", { probeRate: 1 });
    expect(probed(await order())).toBe(true);
    expect(probed(await query())).toBe(true);
    expect(probed(await query())).toBe(false);
    expect(probed(await order())).toBe(false);
  });

  test("requested by a fault skip the repeated call", async () => {
    await armFault({ on: "call", path: "unifiedorder", fault: "probe", times: 2 });
    expect([await order(), await order(), await order(), await order()].map(probed)).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test("are not sent by default", async () => {
    await order();
    for (let count = 0; count < 20; count++) expect(probed(await query())).toBe(false);
  });
});
