import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { insertApp } from "../../src/db/apps.ts";
import { rotateSecret, type Rotatable } from "../../src/db/apps-rotation.ts";
import { connect } from "../../src/db/database.ts";
import { insertMerchant } from "../../src/db/merchants.ts";
import { forgetSettings, validSalts } from "../../src/settings/settings.ts";
import { readApp } from "../support/settings.ts";

const NOW = 1_790_000_000_000;
const HOUR = 3_600_000;

const db = connect(env.DB);
const masterKey = await importMasterKey(env.MASTER_KEY);
const otherKey = await importMasterKey("b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=");

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
const merchantId = merchant.value.id;

async function appWith(salt: string): Promise<number> {
  const facts = {
    name: "Web shop",
    merchantId,
    wechatAppId: "wx0123456789abcdef",
    payNotifyUrl: "https://shop.example.com/pay",
    refundNotifyUrl: "https://shop.example.com/refund",
  };
  return (await insertApp(db, masterKey, { ...facts, salt, webhookSecret: "whsec_1" }, NOW)).id;
}

async function settings(id: number, nowAt: number) {
  forgetSettings();
  const found = await readApp(db, masterKey, id, nowAt);
  if (!found.ok) throw new Error(found.error);
  return found.value;
}

const rotateSalt = async (id: number, fresh: string, overlapMs: number, nowAt: number) =>
  await rotateSecret(db, masterKey, id, "salt", { fresh, overlapMs }, nowAt);

beforeEach(() => {
  vi.restoreAllMocks();
});

describe("rotateSecret, salt", () => {
  test("keeps the old salt valid until exactly the end of the overlap", async () => {
    const id = await appWith("salt-1");
    expect(await rotateSalt(id, "salt-2", HOUR, NOW)).toMatchObject({
      ok: true,
      value: { oldExpiresAt: NOW + HOUR, earlierDropped: false },
    });
    const app = await settings(id, NOW);
    expect(validSalts(app, NOW + HOUR - 1)).toEqual(["salt-2", "salt-1"]);
    expect(validSalts(app, NOW + HOUR)).toEqual(["salt-2"]);
    expect((await settings(id, NOW + HOUR)).oldSalt).toBeNull();
  });

  test("invalidates the old salt at once without an overlap", async () => {
    const id = await appWith("salt-1");
    expect(await rotateSalt(id, "salt-2", 0, NOW)).toMatchObject({
      ok: true,
      value: { oldExpiresAt: null, earlierDropped: false },
    });
    expect(validSalts(await settings(id, NOW), NOW)).toEqual(["salt-2"]);
  });

  test("drops the oldest salt during an overlap and reports it", async () => {
    const id = await appWith("salt-1");
    await rotateSalt(id, "salt-2", HOUR, NOW);
    expect(await rotateSalt(id, "salt-3", HOUR, NOW + 1)).toMatchObject({
      ok: true,
      value: { earlierDropped: true },
    });
    expect(validSalts(await settings(id, NOW + 1), NOW + 1)).toEqual(["salt-3", "salt-2"]);
    await rotateSalt(id, "salt-4", 0, NOW + 2);
    expect(validSalts(await settings(id, NOW + 2), NOW + 2)).toEqual(["salt-4"]);
  });

  test("drops no valid salt after an overlap", async () => {
    const id = await appWith("salt-1");
    await rotateSalt(id, "salt-2", HOUR, NOW);
    expect(await rotateSalt(id, "salt-3", HOUR, NOW + HOUR)).toMatchObject({
      ok: true,
      value: { earlierDropped: false },
    });
  });

  test("keeps the salt that each successful concurrent rotation replaced", async () => {
    const id = await appWith("salt-1");
    const fresh = ["salt-2", "salt-3", "salt-4"];
    const answers = await Promise.all(
      fresh.map(async (salt) => await rotateSalt(id, salt, HOUR, NOW)),
    );
    const won = fresh.filter((_, at) => answers[at]?.ok);
    const app = await settings(id, NOW);
    expect(won).toContain(app.salt);
    // Each success keeps the salt before it; if all had read salt-1, a valid salt would be lost.
    expect(won.length > 1 ? won : ["salt-1"]).toContain(app.oldSalt?.salt);
    for (const answer of answers) {
      if (!answer.ok) expect(answer.error).toBe("raced");
    }
  });

  test("returns absent for an absent app", async () => {
    expect(await rotateSalt(999_999, "salt-2", 0, NOW)).toEqual({ ok: false, error: "absent" });
  });
});

describe("rotateSecret, webhook secret", () => {
  test("leaves the salt unchanged", async () => {
    const id = await appWith("salt-1");
    const secret: Rotatable = "webhookSecret";
    const change = { fresh: "whsec_2", overlapMs: HOUR };
    expect((await rotateSecret(db, masterKey, id, secret, change, NOW)).ok).toBe(true);
    expect(await settings(id, NOW)).toMatchObject({
      salt: "salt-1",
      oldSalt: null,
      webhookSecret: "whsec_2",
      oldWebhookSecret: { secret: "whsec_1", expiresAt: NOW + HOUR },
    });
  });
});

describe("rotateSecret, old secret sealed under another master key", () => {
  test("refuses an overlap and accepts a rotation without one", async () => {
    const errors = vi.spyOn(console, "error").mockReturnValue();
    const id = await appWith("salt-1");
    const change = { fresh: "salt-2", overlapMs: HOUR };
    expect(await rotateSecret(db, otherKey, id, "salt", change, NOW)).toEqual({
      ok: false,
      error: "unreadable",
    });
    expect(validSalts(await settings(id, NOW), NOW)).toEqual(["salt-1"]);
    expect(errors.mock.calls.join()).toContain(otherKey.id);
    const atOnce = { fresh: "salt-2", overlapMs: 0 };
    expect((await rotateSecret(db, otherKey, id, "salt", atOnce, NOW)).ok).toBe(true);
  });
});
