import { env } from "cloudflare:workers";
import { Buffer } from "node:buffer";
import { createSigner, httpbis } from "http-message-signatures";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { forgetSettings } from "../../src/settings/settings.ts";
import {
  contentDigest,
  ED25519_PRIVATE,
  ED25519_PUBLIC,
  REQUIRED,
} from "../contract/request-signature/support.ts";
import { advance } from "../support/clock.ts";
import { postSigned, read, send, signed, type Answer, type Values } from "../support/gateway.ts";
import { changeApp, operator } from "../support/operator.ts";
import { addKey, FORM, headersOf, HMAC, type Key } from "../support/request-signing.ts";
import { makePaidOrder, ORDER } from "../support/scenario.ts";
import { openSibling, type Shop } from "../support/shop.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";

const ED25519 = { algorithm: "ed25519", publicKeyPem: ED25519_PUBLIC };

let scene: Scene;

beforeEach(async () => {
  scene = await openScene();
});
afterEach(closeScene);

async function setMode(shop: Shop, requestSignature: string): Promise<void> {
  await changeApp(shop, { requestSignature });
}

/** A key of the shop's app, whose requests must be signed. */
async function requireWithKey(mode: "refunds" | "all", body: object = HMAC): Promise<Key> {
  const key = await addKey(scene.shop, body);
  await setMode(scene.shop, mode);
  return key;
}

async function post(
  path: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  return await read(await send(path, { method: "POST", headers, body }));
}

async function askSigned(
  key: Key,
  path: string,
  values: Values,
  shop: Shop = scene.shop,
): Promise<Answer> {
  const body = signed(shop, values).toString();
  return await post(path, body, headersOf(key, path, body));
}

const refusal = (detail: string) => ({
  status: 200,
  code: 501,
  errmsg: expect.stringContaining(detail),
  data: null,
});

const NUMBERED = { ...ORDER, appOrderNo: "signed-1" };

describe.for([
  ["ed25519", ED25519],
  ["hmac-sha256", HMAC],
] as const)("%s", ([, registration]) => {
  test("signs each of the three endpoints", async () => {
    const order = await makePaidOrder(scene);
    const key = await requireWithKey("all", registration);
    const answers = [
      await askSigned(key, "/pay/create-order", NUMBERED),
      await askSigned(key, "/order", { order_id: order.id }),
      await askSigned(key, "/refund/refund-money", {
        platForm: 1,
        order_id: order.id,
        appRefundNo: "r-1",
      }),
    ];
    expect(answers.map(({ code }) => code)).toEqual([0, 0, 0]);
  });

  test("signs by http-message-signatures", async () => {
    const key = await requireWithKey("all", registration);
    const body = signed(scene.shop, NUMBERED).toString();
    const material = key.secret === undefined ? ED25519_PRIVATE : Buffer.from(key.secret, "base64");
    const { headers } = await httpbis.signMessage(
      {
        key: createSigner(material, key.algorithm, key.keyId),
        fields: REQUIRED,
        params: ["created", "expires", "keyid", "alg", "tag"],
        paramValues: {
          created: new Date(),
          expires: new Date(Date.now() + 60_000),
          tag: "wechat-pay-gateway",
        },
      },
      {
        method: "POST",
        url: "https://gateway.test/pay/create-order",
        headers: { "content-type": FORM, "content-digest": contentDigest(Buffer.from(body)) },
      },
    );
    const lines = Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]);
    const answer = await post("/pay/create-order", body, Object.fromEntries(lines));
    expect(answer).toMatchObject({ code: 0 });
  });
});

test("two keys are valid side by side, until one is deleted", async () => {
  const first = await requireWithKey("all");
  const second = await addKey(scene.shop, ED25519);
  const statuses = async () => [
    (await askSigned(first, "/pay/create-order", NUMBERED)).code,
    (await askSigned(second, "/pay/create-order", NUMBERED)).code,
  ];
  expect(await statuses()).toEqual([0, 0]);
  await operator("DELETE", `/admin/apps/${scene.shop.appId}/request-keys/${first.keyId}`);
  expect(await statuses()).toEqual([501, 0]);
});

test("a key deleted elsewhere is refused within the settings' minute", async () => {
  const [first] = [await requireWithKey("all"), await addKey(scene.shop)];
  const asks = async () => await askSigned(first, "/pay/create-order", NUMBERED);
  expect((await asks()).code).toBe(0);
  await env.DB.prepare("delete from request_keys where key_id = ?").bind(first.keyId).run();
  expect((await asks()).code).toBe(0);
  advance(60_001);
  expect(await asks()).toMatchObject(refusal("keyid 不是该应用已登记的密钥"));
});

describe("a captured request", () => {
  test("is refused at another endpoint", async () => {
    const order = await makePaidOrder(scene);
    const key = await requireWithKey("all");
    const body = signed(scene.shop, {
      platForm: 1,
      order_id: order.id,
      appRefundNo: "captured",
    }).toString();
    const headers = headersOf(key, "/order", body);
    expect((await post("/order", body, headers)).code).toBe(0);
    expect(await post("/refund/refund-money", body, headers)).toMatchObject(
      refusal("签名验证失败"),
    );
  });

  test("is refused with another body, even one that carries the contract's sign", async () => {
    const key = await requireWithKey("all");
    const headers = headersOf(key, "/order", signed(scene.shop, { order_id: 1 }).toString());
    const other = signed(scene.shop, { order_id: 2 }).toString();
    expect(await post("/order", other, headers)).toMatchObject(
      refusal("Content-Digest 的 sha-256 与请求体不一致"),
    );
  });

  test("is refused once it has expired", async () => {
    const key = await requireWithKey("all");
    const body = signed(scene.shop, NUMBERED).toString();
    const headers = headersOf(key, "/pay/create-order", body);
    advance(61_000);
    expect(await post("/pay/create-order", body, headers)).toMatchObject(refusal("签名已过期"));
  });

  test("that is replayed in time gives the same refund", async () => {
    const order = await makePaidOrder(scene);
    const key = await requireWithKey("refunds");
    const values = { platForm: 1, order_id: order.id, refundFree: 30, appRefundNo: "once" };
    const body = signed(scene.shop, values).toString();
    const headers = headersOf(key, "/refund/refund-money", body);
    const first = await post("/refund/refund-money", body, headers);
    expect(first.code).toBe(0);
    expect((await post("/refund/refund-money", body, headers)).data).toEqual(first.data);
  });
});

describe("an unsigned request", () => {
  test("is refused at each endpoint with all", async () => {
    await requireWithKey("all");
    for (const path of [
      "/pay/create-order",
      "/pay/close-order",
      "/refund/refund-money",
      "/order",
    ]) {
      expect(await postSigned(scene.shop, path, NUMBERED), path).toMatchObject(
        refusal("请求签名（RFC 9421）：缺少请求头 Signature-Input"),
      );
    }
    expect(scene.logged.join("\n")).not.toContain('"level":"error"');
  });

  test("is refused for refunds only with refunds", async () => {
    const order = await makePaidOrder(scene);
    await requireWithKey("refunds");
    const refundOf = { platForm: 1, order_id: order.id, appRefundNo: "r-1" };
    expect(await postSigned(scene.shop, "/refund/refund-money", refundOf)).toMatchObject(
      refusal("缺少请求头 Signature-Input"),
    );
    expect((await postSigned(scene.shop, "/order", { order_id: order.id })).code).toBe(0);
    const closing = { platForm: 1, order_id: order.id };
    expect((await postSigned(scene.shop, "/pay/close-order", closing)).code).toBe(0);
    expect((await postSigned(scene.shop, "/pay/create-order", ORDER)).code).toBe(0);
  });

  test("passes with off, whatever its headers say", async () => {
    await addKey(scene.shop);
    const headers = { "signature-input": "nonsense", signature: "app=:AAAA:" };
    expect((await postSigned(scene.shop, "/pay/create-order", ORDER, headers)).code).toBe(0);
    expect((await postSigned(scene.shop, "/pay/create-order", ORDER)).code).toBe(0);
  });
});

test("another app's key is refused", async () => {
  await requireWithKey("all");
  const other = await addKey(await openSibling(scene.shop));
  expect(await askSigned(other, "/pay/create-order", NUMBERED)).toMatchObject(
    refusal("keyid 不是该应用已登记的密钥"),
  );
});

test("the contract's sign is still required", async () => {
  const key = await requireWithKey("all");
  const forged = { ...scene.shop, salt: "not-the-salt-of-this-app" };
  expect(await askSigned(key, "/pay/create-order", NUMBERED, forged)).toMatchObject(
    refusal("appId 不存在或 sign 签名错误"),
  );
});

test("an unknown app is answered as ever, signed or not", async () => {
  const key = await requireWithKey("all");
  const unknown = { ...scene.shop, appId: 999_999 };
  forgetSettings();
  for (const answer of [
    await askSigned(key, "/order", { order_id: 1 }, unknown),
    await postSigned(unknown, "/order", { order_id: 1 }),
  ]) {
    expect(answer).toMatchObject(refusal("appId 不存在或 sign 签名错误"));
  }
});

describe("the app's own number", () => {
  test.for(["refunds", "all"] as const)("is required of refunds with %s", async (mode) => {
    const order = await makePaidOrder(scene);
    const key = await requireWithKey(mode);
    for (const number of [{}, { appRefundNo: "" }]) {
      const values = { platForm: 1, order_id: order.id, ...number };
      expect(await askSigned(key, "/refund/refund-money", values)).toMatchObject(
        refusal("appRefundNo 必传：该应用启用了请求签名"),
      );
    }
  });

  test("is required of orders with all only", async () => {
    const key = await requireWithKey("all");
    expect(await askSigned(key, "/pay/create-order", ORDER)).toMatchObject(
      refusal("appOrderNo 必传：该应用启用了请求签名"),
    );
    await setMode(scene.shop, "refunds");
    expect((await postSigned(scene.shop, "/pay/create-order", ORDER)).code).toBe(0);
  });
});
