import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { updateMerchant, type MerchantChanges } from "../../src/db/merchants.ts";
import { incidents } from "../../src/db/schema.ts";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { API_V3_KEY, keys, publicKey } from "../wechat/v3/support/fixtures.ts";
import { notificationBody, type Signer } from "../wechat/v3/support/messages.ts";
import { transactionOf } from "../support/fake-wechat-v3.ts";
import { send } from "../support/gateway.ts";
import { payPath, paymentNotificationFields, signedPost } from "../support/notifications.ts";
import { db } from "../support/rows.ts";
import { makeOrder } from "../support/scenario.ts";
import { closeScene, openScene, until, type Scene } from "../support/scene.ts";

let scene: Scene;
let body: string;

beforeEach(async () => {
  scene = await openScene("RSA");
  const { number } = await makeOrder(scene);
  const fields = paymentNotificationFields(scene.shop, number, scene.wechat.pay(number));
  body = notificationBody("TRANSACTION.SUCCESS", transactionOf(fields));
});

afterEach(closeScene);

async function change(changes: MerchantChanges): Promise<void> {
  const masterKey = await importMasterKey(env.MASTER_KEY);
  await updateMerchant(db, masterKey, scene.shop.merchantId, changes, Date.now());
  forgetSettings();
}

async function post(text = body, signer: Signer = keys.certificateA): Promise<number> {
  return (await send(payPath(scene.shop), signedPost(text, { signer }))).status;
}

const found = async () =>
  await db.select().from(incidents).where(eq(incidents.merchantId, scene.shop.merchantId));

async function becomes(kind: string, resolved: boolean): Promise<void> {
  await until(async () => {
    const [row] = await found();
    return row !== undefined && (row.resolvedAt !== null) === resolved;
  });
  expect(await found()).toMatchObject([{ kind, seen: 1 }]);
}

describe("rightly signed notifications that don't decrypt", () => {
  test("are one incident until one decrypts, and a warning of health", async () => {
    await change({ apiV3Key: "another-api-v3-key-of-32-bytes-x" });
    expect(await post()).toBe(400);
    expect(await post()).toBe(400);
    await becomes("merchant_api_v3_key_wrong", false);
    vi.setSystemTime(Date.now() + 60_000);
    const health = await send("/health");
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({
      ok: true,
      warnings: [expect.stringContaining("merchant_api_v3_key_wrong")],
    });
    await change({ apiV3Key: API_V3_KEY });
    expect(await post()).toBe(204);
    await becomes("merchant_api_v3_key_wrong", true);
  });
});

describe("notifications signed with a public key that isn't entered", () => {
  beforeEach(async () => {
    await change({ droppedVerifyKeys: [publicKey.id] });
  });

  test("are one incident until the key is entered", async () => {
    expect(await post(body, keys.publicKey)).toBe(401);
    await becomes("merchant_public_key_missing", false);
    await change({ verifyKeys: [publicKey] });
    expect(await post(body, keys.publicKey)).toBe(204);
    await becomes("merchant_public_key_missing", true);
  });

  test("open none when the resource doesn't open: anybody can name the key", async () => {
    const forged = body.replace(/"ciphertext":"...../, '"ciphertext":"AAAAA');
    expect(await post(forged, keys.publicKey)).toBe(401);
    expect(await post()).toBe(204);
    expect(await found()).toEqual([]);
  });
});
