import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { readConfig } from "../../src/config.ts";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { insertApp, updateApp } from "../../src/db/apps.ts";
import { connect } from "../../src/db/database.ts";
import { insertMerchant, updateMerchant } from "../../src/db/merchants.ts";
import { forgetSettings, masterKeyOf } from "../../src/settings/settings.ts";
import { readApp, readMerchant } from "../support/settings.ts";
import { gate } from "../support/clock.ts";
import { instrumentD1 } from "../support/d1.ts";

const NOW = 1_790_000_000_000;
const API_KEY = "an-api-key-of-32-characters-long";

const db = connect(env.DB);
const masterKey = await importMasterKey(env.MASTER_KEY);
const otherKey = await importMasterKey("b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=");

const registered = await insertMerchant(
  db,
  masterKey,
  {
    name: "Shop",
    mchId: "1900000109",
    protocol: "v2",
    signType: "HMAC-SHA256",
    apiKey: API_KEY,
    certBinding: "CERT",
  },
  NOW,
);
if (!registered.ok) throw new Error(registered.error);
const merchant = {
  id: registered.value.id,
  mchId: "1900000109",
  protocol: "v2",
  v2: { apiKey: API_KEY, signType: "HMAC-SHA256", certBinding: "CERT" },
  v3: null,
  refundFunds: "unsettled",
};

const appSettings = {
  name: "Web shop",
  merchantId: merchant.id,
  wechatAppId: "wx0123456789abcdef",
  payNotifyUrl: "https://shop.example.com/pay",
  refundNotifyUrl: "https://shop.example.com/refund",
};
const secrets = { salt: "the-salt-of-the-app", webhookSecret: "whsec_c2VjcmV0" };
const newId = async () => (await insertApp(db, masterKey, { ...appSettings, ...secrets }, NOW)).id;

beforeEach(() => {
  vi.restoreAllMocks();
  forgetSettings();
});

/** The number of D1 queries while `act` runs. */
async function queriesOf(act: () => Promise<unknown>): Promise<number> {
  const prepare = vi.spyOn(env.DB, "prepare");
  await act();
  const { length } = prepare.mock.calls;
  prepare.mockRestore();
  return length;
}

describe("Settings, apps", () => {
  test("returns the app's and its merchant's settings, unsealed", async () => {
    const id = await newId();
    expect(await readApp(db, masterKey, id, NOW)).toEqual({
      ok: true,
      value: {
        id,
        ...appSettings,
        ...secrets,
        enabled: true,
        oldSalt: null,
        stagedSalt: null,
        oldWebhookSecret: null,
        requestSignature: "off",
        requestKeys: [],
        requireAppOrderNo: false,
        requireAppRefundNo: false,
        allowedAddresses: null,
        canRefund: true,
        maxRefundFenPerDay: null,
        merchant,
      },
    });
  });

  test("makes one query and caches its result for 60 s", async () => {
    const id = await newId();
    const read = async (nowAt: number) => await readApp(db, masterKey, id, nowAt);
    expect(await queriesOf(async () => await read(NOW))).toBe(1);
    expect(await queriesOf(async () => await read(NOW + 59_999))).toBe(0);
    expect(await queriesOf(async () => await read(NOW + 60_000))).toBe(1);
  });

  test("makes one query for concurrent requests", async () => {
    const id = await newId();
    const many = Array.from({ length: 10 }, () => id);
    const queries = await queriesOf(
      async () =>
        await Promise.all(many.map(async (appId) => await readApp(db, masterKey, appId, NOW))),
    );
    expect(queries).toBe(1);
  });

  test("returns a disabled app as disabled", async () => {
    const id = await newId();
    await updateApp(db, id, { enabled: false }, NOW);
    expect(await readApp(db, masterKey, id, NOW)).toMatchObject({ value: { enabled: false } });
  });

  test("returns changed settings after forgetSettings", async () => {
    const id = await newId();
    await readApp(db, masterKey, id, NOW);
    await updateApp(db, id, { name: "Renamed" }, NOW);
    expect(await readApp(db, masterKey, id, NOW)).toMatchObject({
      value: { name: "Web shop" },
    });
    forgetSettings();
    expect(await readApp(db, masterKey, id, NOW)).toMatchObject({ value: { name: "Renamed" } });
  });

  test("returns absent for an unknown app and queries again a second later", async () => {
    const next = (await newId()) + 1;
    expect(await readApp(db, masterKey, next, NOW)).toEqual({ ok: false, error: "absent" });
    expect(await newId()).toBe(next);
    expect((await readApp(db, masterKey, next, NOW + 1_000)).ok).toBe(true);
  });

  test("queries an unknown app again at once after forgetSettings", async () => {
    const next = (await newId()) + 1;
    expect((await readApp(db, masterKey, next, NOW)).ok).toBe(false);
    expect(await newId()).toBe(next);
    forgetSettings();
    expect((await readApp(db, masterKey, next, NOW)).ok).toBe(true);
  });

  test("I12: makes two reads for 1000 unknown ids and still finds known ones", async () => {
    const known = await newId();
    forgetSettings();
    const { trips } = instrumentD1();
    for (let id = 5_000; id < 6_000; id += 1) {
      expect(await readApp(db, masterKey, id, NOW)).toEqual({ ok: false, error: "absent" });
    }
    expect(trips).toHaveLength(2);
    expect((await readApp(db, masterKey, known, NOW)).ok).toBe(true);
    for (let id = 5_000; id < 6_000; id += 1) {
      expect(await readMerchant(db, masterKey, id, NOW)).toMatchObject({ error: "absent" });
    }
    expect(trips).toHaveLength(5);
    expect((await readMerchant(db, masterKey, merchant.id, NOW)).ok).toBe(true);
  });

  test("finds an app although forgetSettings runs while it waits for another query", async () => {
    const [first, second] = [await newId(), await newId()];
    // One of these microtasks lies between the first query's result and the second read.
    for (let microtasks = 0; microtasks < 30; microtasks += 1) {
      vi.restoreAllMocks();
      forgetSettings();
      const held = gate();
      instrumentD1().fail({ sql: /from "apps"/, how: "held after", gate: held.opened });
      const loads = [first, second].map(async (id) => await readApp(db, masterKey, id, NOW));
      await new Promise((resolve) => setTimeout(resolve, 10));
      held.release();
      for (let ran = 0; ran < microtasks; ran += 1) await Promise.resolve();
      forgetSettings();
      expect((await Promise.all(loads)).map(({ ok }) => ok)).toEqual([true, true]);
    }
  });

  test("finds an app that was created during another app's query", async () => {
    const existing = await newId();
    forgetSettings();
    const held = gate();
    instrumentD1().fail({ sql: /from "apps"/, how: "held after", gate: held.opened });
    const first = readApp(db, masterKey, existing, NOW);
    // Lets the first query start.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const created = await newId();
    const second = readApp(db, masterKey, created, NOW);
    held.release();
    expect((await first).ok && (await second).ok).toBe(true);
  });

  test("I12: returns a known app without waiting for the query of an unknown one", async () => {
    const id = await newId();
    await readApp(db, masterKey, id, NOW);
    const held = gate();
    instrumentD1().fail({ sql: /from "apps"/, how: "held before", gate: held.opened });
    // Stops the timeout, so that it can't end the wait.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const unknown = readApp(db, masterKey, 9_999, NOW + 60_000);
    expect((await readApp(db, masterKey, id, NOW + 60_000)).ok).toBe(true);
    held.release();
    expect((await unknown).ok).toBe(false);
    vi.useRealTimers();
  });

  test("throws when D1 fails and doesn't cache the failure", async () => {
    const id = await newId();
    vi.spyOn(env.DB, "prepare").mockImplementationOnce(() => {
      throw new Error("D1 is down");
    });
    await expect(readApp(db, masterKey, id, NOW)).rejects.toThrow();
    expect((await readApp(db, masterKey, id, NOW)).ok).toBe(true);
  });
});

describe("Settings, secrets that can't be opened", () => {
  test("I9: returns unreadable under another master key and logs no secret", async () => {
    const errors = vi.spyOn(console, "error").mockReturnValue();
    const id = await newId();
    expect(await readApp(db, otherKey, id, NOW)).toEqual({ ok: false, error: "unreadable" });
    expect(await readMerchant(db, otherKey, merchant.id, NOW)).toEqual({
      ok: false,
      error: "unreadable",
    });
    const logged = errors.mock.calls.join("\n");
    expect(logged).toContain(`sealed under master key ${masterKey.id}`);
    expect(logged).toContain(`MASTER_KEY is ${otherKey.id}`);
    for (const secret of [API_KEY, ...Object.values(secrets)]) expect(logged).not.toContain(secret);
  });

  test.for(["salt_sealed", "webhook_secret_sealed"])(
    "returns unreadable when %s was copied from another app's row",
    async (column) => {
      const errors = vi.spyOn(console, "error").mockReturnValue();
      const [id, attacker] = [await newId(), await newId()];
      await env.DB.prepare(
        `update apps set ${column} = (select ${column} from apps where id = ?) where id = ?`,
      )
        .bind(attacker, id)
        .run();
      expect(await readApp(db, masterKey, id, NOW)).toEqual({ ok: false, error: "unreadable" });
      expect(errors.mock.calls.join()).toContain(`"column":"${column}","row":${id}`);
      expect((await readApp(db, masterKey, attacker, NOW)).ok).toBe(true);
    },
  );

  test("returns unreadable for an unsealed old salt during its overlap", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    const id = await newId();
    await env.DB.prepare(
      "update apps set old_salt_sealed = 'plain', old_salt_expires_at = ? where id = ?",
    )
      .bind(NOW + 1, id)
      .run();
    expect(await readApp(db, masterKey, id, NOW)).toEqual({ ok: false, error: "unreadable" });
    expect((await readApp(db, masterKey, id, NOW + 1)).ok).toBe(true);
  });
});

describe("Settings, merchants", () => {
  test("returns the row's settings and caches them for 60 s", async () => {
    const read = async (nowAt: number) => await readMerchant(db, masterKey, merchant.id, nowAt);
    expect(await read(NOW)).toEqual({ ok: true, value: merchant });
    expect(await queriesOf(async () => await read(NOW + 59_999))).toBe(0);
    expect(await queriesOf(async () => await read(NOW + 60_000))).toBe(1);
  });

  test("returns absent for an unknown merchant", async () => {
    expect(await readMerchant(db, masterKey, 999, NOW)).toEqual({ ok: false, error: "absent" });
  });

  test("returns a changed key after forgetSettings", async () => {
    const apiKey = "another-key-of-32-characters-lon";
    await readMerchant(db, masterKey, merchant.id, NOW);
    await updateMerchant(db, masterKey, merchant.id, { apiKey }, NOW);
    forgetSettings();
    expect(await readMerchant(db, masterKey, merchant.id, NOW)).toMatchObject({
      value: { v2: { apiKey } },
    });
  });
});

test("masterKeyOf imports each pair of keys once", async () => {
  const config = readConfig(env);
  if (!config.ok) throw new Error(config.error.join());
  const first = await masterKeyOf(config.value);
  expect(first.id).toBe(masterKey.id);
  expect(await masterKeyOf({ ...config.value })).toBe(first);
  const changed = { ...config.value, masterKey: "b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=" };
  expect(await masterKeyOf(changed)).toMatchObject({ id: otherKey.id, previous: null });
  const both = await masterKeyOf({ ...changed, previousMasterKey: config.value.masterKey });
  expect(both).toMatchObject({ id: otherKey.id, previous: { id: masterKey.id } });
  expect((await masterKeyOf(changed)).previous).toBeNull();
});
