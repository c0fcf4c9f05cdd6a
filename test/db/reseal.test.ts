import { env } from "cloudflare:workers";
import { getTableConfig } from "drizzle-orm/sqlite-core";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { importMasterKey, type MasterKey } from "../../src/lib/secret-box.ts";
import { getApp, insertApp } from "../../src/db/apps.ts";
import { rotateSecret, type Rotatable } from "../../src/db/apps-rotation.ts";
import { connect } from "../../src/db/database.ts";
import { insertMerchant, updateMerchant } from "../../src/db/merchants.ts";
import { reseal, MAX_RESEALS } from "../../src/db/reseal.ts";
import * as schema from "../../src/db/schema.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { readApp } from "../support/settings.ts";

const NOW = 1_790_000_000_000;
const HOUR = 3_600_000;
const NEW_KEY = "b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=";
const API_KEY = "an-api-key-of-32-characters-long";

const db = connect(env.DB);
const oldKey = await importMasterKey(env.MASTER_KEY);
const bothKeys = await importMasterKey(NEW_KEY, env.MASTER_KEY);
const newKey = await importMasterKey(NEW_KEY);

let merchantId = 0;
let lastMchId = 1_900_000_000;

async function newMerchant(masterKey: MasterKey): Promise<number> {
  const mchId = String(lastMchId++);
  const merchant = { name: "Shop", mchId, protocol: "v2", signType: "MD5" } as const;
  const secrets = { apiKey: API_KEY, certBinding: null };
  const result = await insertMerchant(db, masterKey, { ...merchant, ...secrets }, NOW);
  if (!result.ok) throw new Error(result.error);
  return result.value.id;
}

async function newApp(masterKey = oldKey): Promise<number> {
  const appSettings = {
    name: "Web shop",
    merchantId,
    wechatAppId: "wx0123456789abcdef",
    payNotifyUrl: "https://shop.example.com/pay",
    refundNotifyUrl: "https://shop.example.com/refund",
  };
  const secrets = { salt: "salt-1", webhookSecret: "whsec_1" };
  return (await insertApp(db, masterKey, { ...appSettings, ...secrets }, NOW)).id;
}

const rotate = async (masterKey: MasterKey, id: number, secret: Rotatable, fresh: string) =>
  await rotateSecret(db, masterKey, id, secret, { fresh, overlapMs: HOUR }, NOW);

async function settings(masterKey: MasterKey, id: number) {
  forgetSettings();
  return await readApp(db, masterKey, id, NOW);
}

const allApps = async () => (await env.DB.prepare("select * from apps").all()).results;

async function damage(id: number, column: string, sealed: string): Promise<void> {
  await env.DB.prepare(`update apps set ${column} = ? where id = ?`).bind(sealed, id).run();
}

/** Runs `act` after the next secret is read and before it is written. */
function beforeNextWrite(act: () => Promise<unknown>): void {
  const encrypt = crypto.subtle.encrypt.bind(crypto.subtle);
  vi.spyOn(crypto.subtle, "encrypt").mockImplementationOnce(async (...parameters) => {
    await act();
    return await encrypt(...parameters);
  });
}

beforeEach(async () => {
  vi.restoreAllMocks();
  await env.DB.batch([env.DB.prepare("delete from apps"), env.DB.prepare("delete from merchants")]);
  merchantId = await newMerchant(oldKey);
});

test("reseal covers every table with sealed columns", () => {
  const tables = Object.values(schema).map((table) => getTableConfig(table));
  const withSecrets = tables.filter(({ columns }) =>
    columns.some((column) => column.name.endsWith("_sealed")),
  );
  expect(withSecrets.map((table) => table.name).toSorted()).toEqual([
    "apps",
    "merchants",
    "request_keys",
  ]);
});

describe("reseal", () => {
  test("seals every secret under the current key, so that the previous one isn't needed", async () => {
    const id = await newApp();
    await rotate(oldKey, id, "salt", "salt-2");
    await rotate(oldKey, id, "webhookSecret", "whsec_2");
    const before = await settings(oldKey, id);
    const shown = await getApp(db, id);
    expect(await settings(bothKeys, id)).toEqual(before);
    expect(await reseal(db, bothKeys)).toEqual({
      resealed: 2,
      alreadyCurrent: 0,
      unreadable: [],
      more: false,
    });
    expect(await settings(newKey, id)).toEqual(before);
    expect(before).toMatchObject({
      ok: true,
      value: { salt: "salt-2", oldSalt: { salt: "salt-1" }, merchant: { v2: { apiKey: API_KEY } } },
    });
    expect(await getApp(db, id)).toEqual(shown);
  });

  test("seals a merchant's secrets of both protocols", async () => {
    const apiV3Key = "an-apiv3-key-of-32-characters-ok";
    const v3 = { apiV3Key, merchantSerialNo: "AB01", merchantPrivateKey: "a key in PEM" };
    await updateMerchant(db, oldKey, merchantId, v3, NOW);
    const id = await newApp();
    const before = await settings(oldKey, id);
    expect(await reseal(db, bothKeys)).toMatchObject({ resealed: 2, unreadable: [] });
    expect(await settings(newKey, id)).toEqual(before);
    expect(before).toMatchObject({
      value: {
        merchant: { v2: { apiKey: API_KEY }, v3: { apiV3Key, privateKeyPem: "a key in PEM" } },
      },
    });
  });

  test("changes nothing on a second run", async () => {
    await newApp();
    await reseal(db, bothKeys);
    const after = await allApps();
    for (const masterKey of [bothKeys, newKey]) {
      expect(await reseal(db, masterKey)).toEqual({
        resealed: 0,
        alreadyCurrent: 2,
        unreadable: [],
        more: false,
      });
    }
    expect(await allApps()).toEqual(after);
  });

  test("finishes a partly resealed row and skips resealed ones", async () => {
    const [id] = [await newApp(), await newApp(bothKeys)];
    await rotate(bothKeys, id, "salt", "salt-2");
    expect(await reseal(db, bothKeys)).toMatchObject({ resealed: 2, alreadyCurrent: 1 });
    expect(await settings(newKey, id)).toMatchObject({
      value: { salt: "salt-2", oldSalt: { salt: "salt-1" }, webhookSecret: "whsec_1" },
    });
  });

  test("stops at its limit with more: true and continues from there", async () => {
    for (let count = 0; count < MAX_RESEALS + 1; count++) await newApp();
    const prepare = vi.spyOn(env.DB, "prepare");
    expect(await reseal(db, bothKeys)).toMatchObject({ resealed: MAX_RESEALS, more: true });
    // Workers' free plan.
    expect(prepare.mock.calls.length).toBeLessThan(50);
    expect(await reseal(db, bothKeys)).toEqual({
      resealed: 2,
      alreadyCurrent: MAX_RESEALS,
      unreadable: [],
      more: false,
    });
  });

  test("returns more: false when the limit was exactly enough", async () => {
    for (let count = 0; count < MAX_RESEALS - 1; count++) await newApp();
    expect(await reseal(db, bothKeys)).toMatchObject({ resealed: MAX_RESEALS, more: false });
  });
});

describe("reseal, unreadable row", () => {
  test.for<[string, string]>([
    ["sealed under a lost key", "k1.00000000.AQEBAQEBAQEBAQEB.AQEBAQEBAQEBAQEBAQEBAQEB"],
    [
      "sealed under the previous key and tampered with",
      `k1.${oldKey.id}.AQEBAQEBAQEBAQEB.${"A".repeat(40)}`,
    ],
    ["without sealed text", "plain"],
  ])("%s is reported and left unchanged", async ([, sealed]) => {
    const errors = vi.spyOn(console, "error").mockReturnValue();
    const [id, readable] = [await newApp(), await newApp()];
    await damage(id, "salt_sealed", sealed);
    const unreadable = [{ table: "apps", id }];
    expect(await reseal(db, bothKeys)).toEqual({
      resealed: 2,
      alreadyCurrent: 0,
      unreadable,
      more: false,
    });
    expect(errors.mock.calls.join()).toContain(`"column":"salt_sealed","row":${id}`);
    expect(await reseal(db, bothKeys)).toMatchObject({
      resealed: 0,
      alreadyCurrent: 2,
      unreadable,
    });
    expect((await settings(newKey, readable)).ok).toBe(true);
    const row = await env.DB.prepare("select * from apps where id = ?").bind(id).first();
    expect(row).toMatchObject({ salt_sealed: sealed });
    // The row's readable secret is resealed.
    expect(row?.["webhook_secret_sealed"]).toMatch(new RegExp(`^k1\\.${newKey.id}\\.`));
  });

  test("is repaired by a rotation without an overlap", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    const id = await newApp();
    await damage(id, "salt_sealed", "plain");
    await rotateSecret(db, bothKeys, id, "salt", { fresh: "salt-2", overlapMs: 0 }, NOW);
    expect(await reseal(db, bothKeys)).toMatchObject({ resealed: 2, unreadable: [] });
    expect(await settings(newKey, id)).toMatchObject({ value: { salt: "salt-2" } });
  });

  test("doesn't count against the limit, so that later rows are resealed", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    for (let count = 0; count < MAX_RESEALS; count++) {
      await damage(await newApp(), "salt_sealed", "plain");
    }
    await env.DB.prepare("update apps set webhook_secret_sealed = 'plain'").run();
    const behind = await newApp();
    const answer = await reseal(db, bothKeys);
    expect(answer).toMatchObject({ resealed: 2, more: false });
    expect(answer.unreadable).toHaveLength(MAX_RESEALS);
    expect((await settings(newKey, behind)).ok).toBe(true);
  });

  test("is not opened without the previous key", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    expect(await reseal(db, newKey)).toEqual({
      resealed: 0,
      alreadyCurrent: 0,
      unreadable: [{ table: "merchants", id: merchantId }],
      more: false,
    });
  });
});

describe("reseal, concurrent changes", () => {
  test.for<Rotatable>(["salt", "webhookSecret"])(
    "keeps a concurrently rotated %s",
    async (secret) => {
      // The merchant is resealed first, so that the app is the only row left.
      await reseal(db, bothKeys);
      const id = await newApp();
      beforeNextWrite(async () => {
        // As an isolate with the old configuration does.
        expect((await rotate(oldKey, id, secret, "fresh")).ok).toBe(true);
      });
      expect(await reseal(db, bothKeys)).toMatchObject({ resealed: 0, more: true });
      expect(await settings(bothKeys, id)).toMatchObject({ value: { [secret]: "fresh" } });
      expect(await reseal(db, bothKeys)).toMatchObject({ resealed: 1, more: false });
      const old = { salt: "oldSalt", webhookSecret: "oldWebhookSecret" }[secret];
      expect(await settings(newKey, id)).toMatchObject({
        value: { [secret]: "fresh", [old]: { expiresAt: NOW + HOUR } },
      });
    },
  );

  test("keeps a merchant's new key", async () => {
    const apiKey = "another-key-of-32-characters-lon";
    beforeNextWrite(async () => await updateMerchant(db, bothKeys, merchantId, { apiKey }, NOW));
    expect(await reseal(db, bothKeys)).toMatchObject({ resealed: 0, more: true });
    expect(await reseal(db, bothKeys)).toMatchObject({ alreadyCurrent: 1, more: false });
    expect(await settings(newKey, await newApp(newKey))).toMatchObject({
      value: { merchant: { v2: { apiKey } } },
    });
  });

  test("makes an overtaken rotation return raced without a change", async () => {
    const id = await newApp();
    beforeNextWrite(async () => await reseal(db, bothKeys));
    expect(await rotate(bothKeys, id, "salt", "salt-2")).toEqual({ ok: false, error: "raced" });
    expect(await settings(newKey, id)).toMatchObject({ value: { salt: "salt-1", oldSalt: null } });
    expect((await rotate(bothKeys, id, "salt", "salt-2")).ok).toBe(true);
  });

  test("leaves every secret readable under the new key after several reseals and rotations", async () => {
    const ids = [await newApp(), await newApp(), await newApp()];
    const rotations = ids.map(async (id) => await rotate(bothKeys, id, "salt", `fresh-${id}`));
    await Promise.all([reseal(db, bothKeys), ...rotations, reseal(db, bothKeys)]);
    const won = (await Promise.all(rotations)).map((answer) => answer.ok);
    let answer = await reseal(db, bothKeys);
    while (answer.more) answer = await reseal(db, bothKeys);
    for (const [at, id] of ids.entries()) {
      const salt = won[at] === true ? `fresh-${id}` : "salt-1";
      expect(await settings(newKey, id)).toMatchObject({ ok: true, value: { salt } });
    }
  });
});
