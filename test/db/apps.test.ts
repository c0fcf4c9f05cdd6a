import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { importMasterKey, open } from "../../src/lib/secret-box.ts";
import { getApp, insertApp, listApps, updateApp, type NewApp } from "../../src/db/apps.ts";
import { connect } from "../../src/db/database.ts";
import { insertMerchant } from "../../src/db/merchants.ts";

const NOW = 1_790_000_000_000;
const SALT = "a-salt-that-only-the-app-may-know";
const WEBHOOK_SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0";

const db = connect(env.DB);
const masterKey = await importMasterKey(env.MASTER_KEY);

const merchant = await insertMerchant(
  db,
  masterKey,
  {
    name: "Shop",
    mchId: "1900000109",
    protocol: "v2",
    signType: "MD5",
    apiKey: "an-api-key-of-32-characters-long",
    certBinding: null,
  },
  NOW,
);
if (!merchant.ok) throw new Error(merchant.error);

const settings = {
  name: "Web shop",
  merchantId: merchant.value.id,
  wechatAppId: "wx0123456789abcdef",
  payNotifyUrl: "https://shop.example.com/pay",
  refundNotifyUrl: "https://shop.example.com/refund",
};
const newApp: NewApp = { ...settings, salt: SALT, webhookSecret: WEBHOOK_SECRET };

async function row(id: number): Promise<Record<string, string | number | null>> {
  const found = await env.DB.prepare("select * from apps where id = ?")
    .bind(id)
    .first<Record<string, string | number | null>>();
  if (found === null) throw new Error("no such app");
  return found;
}

describe("db apps", () => {
  test("insertApp stores an enabled app and returns it without its secrets", async () => {
    const record = await insertApp(db, masterKey, newApp, NOW);
    expect(record).toEqual({
      id: record.id,
      ...settings,
      enabled: true,
      oldSaltExpiresAt: null,
      oldWebhookSecretExpiresAt: null,
      requestSignature: "off",
      requireAppOrderNo: false,
      requireAppRefundNo: false,
      allowedAddresses: null,
      canRefund: true,
      maxRefundFenPerDay: null,
      createdAt: NOW,
      updatedAt: NOW,
      notifyFailed: false,
      saltStagedAt: null,
    });
    expect(await getApp(db, record.id)).toEqual(record);
  });

  test("I9: insertApp seals the secrets for their row and column", async () => {
    const { id } = await insertApp(db, masterKey, newApp, NOW);
    const stored = await row(id);
    expect(JSON.stringify(stored)).not.toContain(SALT);
    expect(JSON.stringify(stored)).not.toContain(WEBHOOK_SECRET);
    const salt = String(stored["salt_sealed"]);
    const location = { table: "apps", column: "salt_sealed", row: id };
    expect(await open(salt, masterKey, location)).toEqual({ ok: true, value: SALT });
    expect((await open(salt, masterKey, { ...location, row: id + 1 })).ok).toBe(false);
    expect((await open(salt, masterKey, { ...location, column: "old_salt_sealed" })).ok).toBe(
      false,
    );
    expect(
      await open(String(stored["webhook_secret_sealed"]), masterKey, {
        ...location,
        column: "webhook_secret_sealed",
      }),
    ).toEqual({ ok: true, value: WEBHOOK_SECRET });
  });

  test("insertApp assigns unique ids to concurrent inserts", async () => {
    const created = await Promise.all(
      [1, 2, 3, 4].map(async () => await insertApp(db, masterKey, newApp, NOW)),
    );
    expect(new Set(created.map((app) => app.id)).size).toBe(4);
  });

  test("insertApp throws for an absent merchant", async () => {
    await expect(insertApp(db, masterKey, { ...newApp, merchantId: 999 }, NOW)).rejects.toThrow();
  });

  test("updateApp changes only the fields in the input", async () => {
    const record = await insertApp(db, masterKey, newApp, NOW);
    const before = await row(record.id);
    const changes = { name: "Web shop 2", enabled: false };
    expect(await updateApp(db, record.id, changes, NOW + 5)).toEqual({
      ...record,
      ...changes,
      updatedAt: NOW + 5,
    });
    const after = await row(record.id);
    expect(after["salt_sealed"]).toBe(before["salt_sealed"]);
  });

  test("getApp and updateApp return null for an absent app", async () => {
    expect(await getApp(db, 999_999)).toBeNull();
    expect(await updateApp(db, 999_999, { name: "x" }, NOW)).toBeNull();
  });
});

test("listApps lists by id after the cursor", async () => {
  const first = (await insertApp(db, masterKey, newApp, NOW)).id;
  await insertApp(db, masterKey, newApp, NOW);
  await insertApp(db, masterKey, newApp, NOW);
  expect((await listApps(db, first - 1, 2)).map((app) => app.id)).toEqual([first, first + 1]);
  expect((await listApps(db, first + 1, 2)).map((app) => app.id)).toEqual([first + 2]);
});
