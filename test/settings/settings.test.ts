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
import { watchD1 } from "../support/d1.ts";

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
};

const facts = {
  name: "Web shop",
  merchantId: merchant.id,
  wechatAppId: "wx0123456789abcdef",
  payNotifyUrl: "https://shop.example.com/pay",
  refundNotifyUrl: "https://shop.example.com/refund",
};
const secrets = { salt: "the-salt-of-the-app", webhookSecret: "whsec_c2VjcmV0" };
const newId = async () => (await insertApp(db, masterKey, { ...facts, ...secrets }, NOW)).id;

beforeEach(() => {
  vi.restoreAllMocks();
  forgetSettings();
});

/** How often D1 is asked while `act` runs. */
async function queriesOf(act: () => Promise<unknown>): Promise<number> {
  const prepare = vi.spyOn(env.DB, "prepare");
  await act();
  const { length } = prepare.mock.calls;
  prepare.mockRestore();
  return length;
}

describe("an app's settings", () => {
  test("are those of the app and its merchant, in the clear", async () => {
    const id = await newId();
    expect(await readApp(db, masterKey, id, NOW)).toEqual({
      ok: true,
      value: {
        id,
        ...facts,
        ...secrets,
        enabled: true,
        oldSalt: null,
        oldWebhookSecret: null,
        requestSignature: "off",
        requestKeys: [],
        merchant,
      },
    });
  });

  test("take one query, and then none for 60 s", async () => {
    const id = await newId();
    const read = async (nowAt: number) => await readApp(db, masterKey, id, nowAt);
    expect(await queriesOf(async () => await read(NOW))).toBe(1);
    expect(await queriesOf(async () => await read(NOW + 59_999))).toBe(0);
    expect(await queriesOf(async () => await read(NOW + 60_000))).toBe(1);
  });

  test("asked for by many at once take one query", async () => {
    const id = await newId();
    const many = Array.from({ length: 10 }, () => id);
    const queries = await queriesOf(
      async () =>
        await Promise.all(many.map(async (one) => await readApp(db, masterKey, one, NOW))),
    );
    expect(queries).toBe(1);
  });

  test("say when the app is disabled", async () => {
    const id = await newId();
    await updateApp(db, id, { enabled: false }, NOW);
    expect(await readApp(db, masterKey, id, NOW)).toMatchObject({ value: { enabled: false } });
  });

  test("are forgotten after a change", async () => {
    const id = await newId();
    await readApp(db, masterKey, id, NOW);
    await updateApp(db, id, { name: "Renamed" }, NOW);
    expect(await readApp(db, masterKey, id, NOW)).toMatchObject({
      value: { name: "Web shop" },
    });
    forgetSettings();
    expect(await readApp(db, masterKey, id, NOW)).toMatchObject({ value: { name: "Renamed" } });
  });

  test("of an unknown app are absent, and looked for again a second later", async () => {
    const next = (await newId()) + 1;
    expect(await readApp(db, masterKey, next, NOW)).toEqual({ ok: false, error: "absent" });
    expect(await newId()).toBe(next);
    expect((await readApp(db, masterKey, next, NOW + 1_000)).ok).toBe(true);
  });

  test("of an unknown app are looked for at once after a change in the back-office", async () => {
    const next = (await newId()) + 1;
    expect((await readApp(db, masterKey, next, NOW)).ok).toBe(false);
    expect(await newId()).toBe(next);
    forgetSettings();
    expect((await readApp(db, masterKey, next, NOW)).ok).toBe(true);
  });

  test("of a thousand unknown apps cost two reads, and those of a known one are found meanwhile", async () => {
    const known = await newId();
    forgetSettings();
    const { trips } = watchD1();
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

  test("are found though all is forgotten while they wait for another's", async () => {
    const [one, other] = [await newId(), await newId()];
    // One of these moments is between what the first has learnt and the second's going on.
    for (let turns = 0; turns < 30; turns += 1) {
      vi.restoreAllMocks();
      forgetSettings();
      const held = gate();
      watchD1().fail({ sql: /from "apps"/, how: "held after", gate: held.passed });
      const loads = [one, other].map(async (id) => await readApp(db, masterKey, id, NOW));
      await new Promise((resolve) => setTimeout(resolve, 10));
      held.release();
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      forgetSettings();
      expect((await Promise.all(loads)).map(({ ok }) => ok)).toEqual([true, true]);
    }
  });

  test("are found though they were made while another was being looked for", async () => {
    const one = await newId();
    forgetSettings();
    const held = gate();
    watchD1().fail({ sql: /from "apps"/, how: "held after", gate: held.passed });
    const first = readApp(db, masterKey, one, NOW);
    // Until the first look-up is on its way to D1.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const made = await newId();
    const second = readApp(db, masterKey, made, NOW);
    held.release();
    expect((await first).ok && (await second).ok).toBe(true);
  });

  test("of a known app don't wait for the search for a made-up one", async () => {
    const id = await newId();
    await readApp(db, masterKey, id, NOW);
    const held = gate();
    watchD1().fail({ sql: /from "apps"/, how: "held before", gate: held.passed });
    // Patience alone must not be what helps.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const searched = readApp(db, masterKey, 9_999, NOW + 60_000);
    expect((await readApp(db, masterKey, id, NOW + 60_000)).ok).toBe(true);
    held.release();
    expect((await searched).ok).toBe(false);
    vi.useRealTimers();
  });

  test("are not absent when D1 fails: that is thrown, and not remembered", async () => {
    const id = await newId();
    vi.spyOn(env.DB, "prepare").mockImplementationOnce(() => {
      throw new Error("D1 is down");
    });
    await expect(readApp(db, masterKey, id, NOW)).rejects.toThrow();
    expect((await readApp(db, masterKey, id, NOW)).ok).toBe(true);
  });
});

describe("settings that can't be opened", () => {
  test("under another master key are unreadable, which the log explains without the secret", async () => {
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
    "because %s came from another app's row are unreadable",
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

  test("because the old salt is no sealed text are unreadable while it would be valid", async () => {
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

describe("a merchant's settings", () => {
  test("are those of its row, kept for 60 s", async () => {
    const read = async (nowAt: number) => await readMerchant(db, masterKey, merchant.id, nowAt);
    expect(await read(NOW)).toEqual({ ok: true, value: merchant });
    expect(await queriesOf(async () => await read(NOW + 59_999))).toBe(0);
    expect(await queriesOf(async () => await read(NOW + 60_000))).toBe(1);
  });

  test("of an unknown merchant are absent", async () => {
    expect(await readMerchant(db, masterKey, 999, NOW)).toEqual({ ok: false, error: "absent" });
  });

  test("hold a changed key after the change is made known", async () => {
    const apiKey = "another-key-of-32-characters-lon";
    await readMerchant(db, masterKey, merchant.id, NOW);
    await updateMerchant(db, masterKey, merchant.id, { apiKey }, NOW);
    forgetSettings();
    expect(await readMerchant(db, masterKey, merchant.id, NOW)).toMatchObject({
      value: { v2: { apiKey } },
    });
  });
});

test("the master key is imported once", async () => {
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
