import { beforeEach, describe, expect, test } from "vitest";
import { control, details, freshSandbox, MCH_ID } from "./helpers.ts";
import { arm, orderBody, send3, wellSigned, type Reply3 } from "./v3-helpers.ts";

const NUMBER = "PROBED300001";
const QUERY = `/v3/pay/transactions/out-trade-no/${NUMBER}?mchid=${MCH_ID}`;

beforeEach(freshSandbox);

const order = async (): Promise<Reply3> =>
  await send3("POST", "/v3/pay/transactions/jsapi", orderBody(NUMBER));
const query = async (): Promise<Reply3> => await send3("GET", QUERY);

const probed = ({ headers }: Reply3): boolean =>
  headers.get("wechatpay-signature")?.startsWith("WECHATPAY/SIGNTEST/") === true;

describe("signature probes of replies", () => {
  test("come as often as probeRate says, and never on the repeat", async () => {
    await control("PATCH", "/settings", { probeRate: 1 });
    const first = await order();
    const second = await order();
    const third = await order();
    expect([first, second, third].map(probed)).toEqual([true, false, true]);
    expect(wellSigned(second.headers, second.text)).toBe(true);
    expect(await details(NUMBER)).toMatchObject({ prepayCalls: 3 });
  });

  test("of another call are their own", async () => {
    await control("PATCH", "/settings", { probeRate: 1 });
    expect(probed(await order())).toBe(true);
    expect(probed(await query())).toBe(true);
    expect(probed(await query())).toBe(false);
    expect(probed(await order())).toBe(false);
  });

  test("that a fault asks for spare the repeat and strike later", async () => {
    await arm({ on: "call", path: "unifiedorder", fault: "probe", times: 2 });
    expect([await order(), await order(), await order(), await order()].map(probed)).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test("do not come unasked", async () => {
    await order();
    for (let count = 0; count < 20; count++) expect(probed(await query())).toBe(false);
  });
});
