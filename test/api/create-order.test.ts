import { createHash, createHmac } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { START } from "../support/clock.ts";
import { postSigned } from "../support/gateway.ts";
import { orderRefOf, ORDER, rowOf, timersOf } from "../support/scenario.ts";
import { PROTOCOL, DEFAULT_SIGN_TYPE } from "../support/shop.ts";
import { closeScene, openScene } from "../support/scene.ts";

const PATH = "/pay/create-order";

afterEach(closeScene);

/** The bridge's paySign as WeChat documents it, implemented independently of `src`. */
function paySign(parameters: Record<string, string>, apiKey: string): string {
  const text = ["appId", "nonceStr", "package", "signType", "timeStamp"]
    .map((name) => `${name}=${parameters[name]}`)
    .join("&");
  const signedText = `${text}&key=${apiKey}`;
  const digest =
    parameters["signType"] === "MD5"
      ? createHash("md5").update(signedText)
      : createHmac("sha256", apiKey).update(signedText);
  return digest.digest("hex").toUpperCase();
}

describe("create-order", () => {
  test.for(["MD5", "HMAC-SHA256"] as const)(
    "returns apiParams for the bridge, signed with %s",
    async (signType) => {
      const { shop, wechat } = await openScene(signType);
      const answer = await postSigned(shop, PATH, ORDER, { "cf-connecting-ip": "203.0.113.7" });
      expect(answer).toMatchObject({ status: 200, code: 0, errmsg: null });
      expect(Object.keys(answer.data ?? {})).toEqual([
        "orderNumber",
        "orderId",
        "apiParams",
        "editAddress",
      ]);
      expect(answer.data).toEqual({
        orderNumber: expect.stringMatching(/^[0-9a-f]{32}$/),
        orderId: expect.any(Number),
        apiParams: expect.any(String),
        editAddress: null,
      });
      const parameters: Record<string, string> = JSON.parse(String(answer.data?.["apiParams"]));
      const { paySign: returnedSign, ...signed } = parameters;
      expect(signed).toEqual({
        appId: shop.wechatAppId,
        timeStamp: String(START / 1000),
        nonceStr: expect.stringMatching(/^[0-9A-Za-z]{16,32}$/),
        package: expect.stringMatching(/^prepay_id=wx\d+$/),
        signType,
      });
      expect(returnedSign).toBe(paySign(parameters, shop.apiKey));

      const { number } = orderRefOf(answer);
      expect(wechat.callsOf("/pay/unifiedorder")).toEqual([
        {
          appid: shop.wechatAppId,
          mch_id: shop.mchId,
          nonce_str: expect.any(String),
          sign_type: signType,
          sign: expect.any(String),
          body: "测试商品",
          out_trade_no: number,
          total_fee: "100",
          spbill_create_ip: "203.0.113.7",
          notify_url: `https://gateway.test/notify/v2/${shop.merchantId}/pay`,
          trade_type: "JSAPI",
          openid: ORDER["openId"],
          goods_tag: "test",
        },
      ]);
    },
  );

  test("stores the order with the requested values and arms its timer", async () => {
    const { shop } = await openScene();
    const values = {
      ...ORDER,
      attach: "附加 & <数据>",
      clientIp: "2001:db8::1",
    };
    const order = orderRefOf(await postSigned(shop, PATH, values));
    expect(await rowOf(order)).toMatchObject({
      id: order.id,
      appId: shop.appId,
      merchantId: shop.merchantId,
      protocol: PROTOCOL,
      signType: DEFAULT_SIGN_TYPE,
      wechatAppId: shop.wechatAppId,
      appOrderNo: null,
      desc: "测试商品",
      totalFen: 100,
      tag: "test",
      attach: "附加 & <数据>",
      clientIp: "2001:db8::1",
      payState: "waiting",
      payNotifyState: "none",
      payNotifyNumber: 0,
      createdAt: START,
      expiresAt: START + 7_200_000,
    });
    expect(await timersOf(order)).toEqual([
      { kind: "poll-payment", refundNo: null, dueAt: START + 60_000, attempt: 0 },
    ]);
  });

  test("returns editAddress with its signature when accessToken and url are sent", async () => {
    const { shop } = await openScene();
    const page = {
      accessToken: "OezXcEiiBSKSxW0eoylIeBFk1b8V",
      url: "https://shop.example.com/?a=1",
    };
    const answer = await postSigned(shop, PATH, { ...ORDER, ...page });
    const { addrSign, ...rest } = JSON.parse(String(answer.data?.["editAddress"]));
    expect(rest).toEqual({
      signType: "sha1",
      scope: "jsapi_address",
      appId: shop.wechatAppId,
      timeStamp: String(START / 1000),
      nonceStr: expect.stringMatching(/^[0-9A-Za-z]{16,32}$/),
    });
    const text =
      `accesstoken=${page.accessToken}&appid=${shop.wechatAppId}&noncestr=${rest.nonceStr}` +
      `&timestamp=${rest.timeStamp}&url=${page.url}`;
    expect(addrSign).toBe(createHash("sha1").update(text).digest("hex"));
  });

  test("uses one user row per payer and app", async () => {
    const { shop } = await openScene();
    const users = await Promise.all(
      ["one", "one", "other"].map(async (openId) => {
        const order = orderRefOf(await postSigned(shop, PATH, { ...ORDER, openId }));
        return (await rowOf(order)).userId;
      }),
    );
    expect(users[0]).toBe(users[1]);
    expect(users[0]).not.toBe(users[2]);
  });
});
