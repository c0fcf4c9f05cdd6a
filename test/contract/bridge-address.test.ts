import { describe, expect, test } from "vitest";
import { addressSignature } from "../../src/contract/bridge-address.ts";
import { sha1Hex } from "../../src/contract/sha1.ts";
import { vectors } from "../vectors/jssdk-address.json";

function vector(name: string) {
  const found = vectors.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return found;
}

describe("addressSignature", () => {
  const { string1, sha1 } = vector("editAddress addrSign");
  const fields = new URLSearchParams(string1);
  const request = {
    wechatAppId: fields.get("appid") ?? "",
    accessToken: fields.get("accesstoken") ?? "",
    url: fields.get("url") ?? "",
    nonceStr: fields.get("noncestr") ?? "",
    nowAt: Number(fields.get("timestamp")) * 1000 + 999,
  };

  test("matches the published vector, in the contract's form", async () => {
    expect(JSON.stringify(await addressSignature(request))).toBe(
      JSON.stringify({
        addrSign: sha1,
        signType: "sha1",
        scope: "jsapi_address",
        appId: request.wechatAppId,
        timeStamp: "1384841012",
        nonceStr: "123456",
      }),
    );
  });

  test("signs the page's query but not its fragment", async () => {
    const withFragment = { ...request, url: `${request.url}#/address#top` };
    expect((await addressSignature(withFragment)).addrSign).toBe(sha1);
    const withQuery = { ...request, url: `${request.url}?code=1` };
    expect((await addressSignature(withQuery)).addrSign).not.toBe(sha1);
  });

  test("computes the SHA-1 of WeChat's wx.config example", async () => {
    const example = vector("JS-SDK wx.config signature");
    expect(await sha1Hex(example.string1)).toBe(example.sha1);
  });
});
