import { verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { authorization, requestText } from "../../../src/wechat/v3/authorization.ts";
import { bridgeText, signBridge } from "../../../src/wechat/v3/bridge.ts";
import { sign } from "../../../src/wechat/v3/rsa.ts";
import type { V3Credentials } from "../../../src/wechat/types.ts";
import vectors from "../../vectors/v3-rsa.json";
import { keys, merchant, order } from "./support/fixtures.ts";

const [goVector, javaVector, post, jsapi] = vectors.vectors;
const get = vectors.vectors.find(({ name }) => name.includes("GET"));
const app = vectors.vectors.find(({ name }) => name.startsWith("APP"));
const layouts = vectors.vectors.find(({ name }) => name === "message layouts");

function credentials(privateKeyPem = ""): V3Credentials {
  return { ...merchant.v3, privateKeyPem };
}

const official = credentials(post?.private_key_pem);
const request = {
  method: "POST",
  path: post?.url ?? "",
  timestamp: Number(post?.timestamp),
  nonce: post?.nonce_str ?? "",
  body: post?.body ?? "",
} as const;

describe("sign", () => {
  test.each([
    ["the official Go SDK's", goVector],
    ["the official Java SDK's", javaVector],
  ])("matches %s", async (_name, vector) => {
    const signature = await sign(vector?.message ?? "", credentials(vector?.private_key_pem));
    expect(signature).toBe(vector?.signature);
  });

  test.each([
    ["of a POST", post],
    ["of a GET", get],
  ])("matches the official example %s", async (_name, vector) => {
    expect(await sign(vector?.message ?? "", official)).toBe(vector?.signature);
  });
});

describe("requestText", () => {
  test("matches the official example of a POST", () => {
    expect(requestText(request)).toBe(post?.message);
  });

  test("keeps the empty body's line of a GET", () => {
    const path = "/v3/refund/domestic/refunds/1217752501201407033233368018";
    expect(requestText({ ...request, method: "GET", path, body: "" })).toBe(get?.message);
  });

  test("has five lines, each with a line break", () => {
    const text = requestText({ method: "GET", path: "7", timestamp: 8, nonce: "9", body: "" });
    expect(text).toBe(layouts?.["request(6,7,8,9)"]?.replace("6", "GET"));
  });
});

describe("authorization", () => {
  test("contains the merchant's certificate number and the signature", async () => {
    const v3 = { ...official, serialNo: post?.serial_no ?? "" };
    const header = await authorization({ mchId: post?.mchid ?? "", v3 }, request);
    expect(header).toBe(
      `WECHATPAY2-SHA256-RSA2048 mchid="1900007291",nonce_str="593BEC0C930BF1AFEB40B4A08C8FB242",` +
        `timestamp="1554208460",serial_no="408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",signature="${post?.signature}"`,
    );
  });
});

describe("signBridge", () => {
  const parameters = {
    appId: "wx2421b1c4370ec43b",
    timeStamp: "1554208460",
    nonceStr: "593BEC0C930BF1AFEB40B4A08C8FB242",
    package: "prepay_id=wx201410272009395522657a690389285100",
  };

  test("signs the four lines of the official example", async () => {
    expect(bridgeText(parameters)).toBe(jsapi?.message);
    expect(await sign(bridgeText(parameters), official)).toBe(jsapi?.paySign);
  });

  test("matches the official APP example, which has no prefix", async () => {
    const bare = { ...parameters, package: "wx201410272009395522657a690389285100" };
    expect(await sign(bridgeText(bare), official)).toBe(app?.sign);
  });

  test("returns the page's parameters, with the time as a string of seconds", async () => {
    const made = await signBridge(merchant.v3, order, "wx2016", 1_554_208_460_999);
    expect(made).toEqual({
      appId: order.wechatAppId,
      timeStamp: "1554208460",
      nonceStr: expect.stringMatching(/^[0-9a-f]{32}$/),
      package: "prepay_id=wx2016",
      signType: "RSA",
      paySign: expect.any(String),
    });
    const text = Buffer.from(
      `${made.appId}\n${made.timeStamp}\n${made.nonceStr}\n${made.package}\n`,
    );
    const signature = Buffer.from(made.paySign, "base64");
    expect(verify("sha256", text, keys.merchant.publicKey, signature)).toBe(true);
  });
});
