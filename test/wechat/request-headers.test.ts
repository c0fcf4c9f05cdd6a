import { describe, expect, test } from "vitest";
import { version } from "../../package.json";
import { downloadBill } from "../../src/wechat/v3/bill.ts";
import { downloadCertificates } from "../../src/wechat/v3/certificates.ts";
import type { WechatPay } from "../../src/wechat/types.ts";
import { order, prepayRequest, REFUND_NO, refundRequest } from "./support/fixtures.ts";
import { body, stubWechat } from "./support/wechat-stub.ts";
import {
  order as v3Order,
  prepayRequest as v3PrepayRequest,
  refundRequest as v3RefundRequest,
} from "./v3/support/fixtures.ts";
import { refusal, stubV3 } from "./v3/support/stub.ts";

const USER_AGENT = `wechat-pay-gateway/${version}`;
const DAY = { day: "2026-11-20", wechatAppId: order.wechatAppId };

const V2_CALLS: Readonly<Record<string, (wechat: WechatPay) => Promise<unknown>>> = {
  prepay: async (wechat) => await wechat.prepay(prepayRequest),
  queryPayment: async (wechat) => await wechat.queryPayment(order),
  close: async (wechat) => await wechat.close(order),
  refund: async (wechat) => await wechat.refund(refundRequest),
  queryRefund: async (wechat) => await wechat.queryRefund(order, REFUND_NO),
  openBill: async (wechat) => await wechat.openBill(DAY),
};

const V3_CALLS: typeof V2_CALLS = {
  prepay: async (wechat) => await wechat.prepay(v3PrepayRequest),
  queryPayment: async (wechat) => await wechat.queryPayment(v3Order),
  close: async (wechat) => await wechat.close(v3Order),
  refund: async (wechat) => await wechat.refund(v3RefundRequest),
  queryRefund: async (wechat) => await wechat.queryRefund(v3Order, REFUND_NO),
  openBill: async (wechat) => await wechat.openBill(DAY),
};

describe("a call to WeChat names the gateway and its version, and says what it takes", () => {
  test.each(Object.entries(V2_CALLS))("APIv2 %s", async (_name, call) => {
    const { wechat, sent } = stubWechat([body("x", 404)]);
    await call(wechat);
    const headers = new Headers(sent[0]?.init.headers);
    expect([headers.get("user-agent"), headers.get("accept")]).toEqual([USER_AGENT, "*/*"]);
  });

  test.each(Object.entries(V3_CALLS))("APIv3 %s", async (_name, call) => {
    const { wechat, sent } = stubV3([refusal(400, "PARAM_ERROR")]);
    await call(wechat);
    const { headers } = sent[0] ?? { headers: new Headers() };
    expect(headers.get("user-agent")).toBe(USER_AGENT);
    expect(headers.get("accept")).toBe("application/json");
  });

  test("APIv3, a bill's download and the certificates", async () => {
    const { client, sent } = stubV3([refusal(400, "x"), refusal(400, "x")]);
    await downloadBill(client, { url: "https://bill.wechat.test/file?token=1", sha1: "" });
    await downloadCertificates(client);
    expect(sent.map(({ headers }) => headers.get("user-agent"))).toEqual([USER_AGENT, USER_AGENT]);
    expect(sent.map(({ headers }) => headers.get("accept"))).toEqual([
      "application/json",
      "application/json",
    ]);
  });
});
