import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { connect } from "../../src/db/database.ts";
import { validSalts } from "../../src/settings/settings.ts";
import { readApp } from "../support/settings.ts";
import { appBody, sendAdmin, fieldErrors, fieldOf, createMerchant } from "./support.ts";

const db = connect(env.DB);
const masterKey = await importMasterKey(env.MASTER_KEY);
const merchantId = await createMerchant();

async function createApp(): Promise<{ id: string; salt: string; webhookSecret: string }> {
  const answer = await sendAdmin("POST", "/admin/apps", { body: appBody(merchantId) });
  const [id, salt] = [fieldOf(answer, "id"), fieldOf(answer, "salt")];
  return { id, salt, webhookSecret: fieldOf(answer, "webhookSecret") };
}

const rotate = async (id: string, secret: string, overlapSeconds: unknown) =>
  await sendAdmin("POST", `/admin/apps/${id}/rotate-${secret}`, { body: { overlapSeconds } });

async function settings(id: string) {
  const found = await readApp(db, masterKey, Number(id), Date.now());
  if (!found.ok) throw new Error(found.error);
  return found.value;
}

test("rotate-salt with an overlap makes both salts valid at once", async () => {
  const app = await createApp();
  await settings(app.id);
  const before = Date.now();
  const answer = await rotate(app.id, "salt", 3600);
  expect(answer.status).toBe(200);
  expect(answer.json).toEqual({
    id: Number(app.id),
    salt: expect.stringMatching(/^[0-9a-f]{32}$/),
    oldSaltExpiresAt: expect.any(Number),
    earlierSaltDropped: false,
    stagedSaltDropped: false,
    knownEverywhereAt: expect.any(Number),
  });
  const expiresAt = Number(fieldOf(answer, "oldSaltExpiresAt"));
  expect(expiresAt - before).toBeGreaterThanOrEqual(3_600_000);
  expect(expiresAt - before).toBeLessThan(3_610_000);
  expect(Number(fieldOf(answer, "knownEverywhereAt"))).toBe(expiresAt - 3_600_000 + 60_000);
  const salts = validSalts(await settings(app.id), Date.now());
  expect(salts).toEqual([fieldOf(answer, "salt"), app.salt]);
  const shown = await sendAdmin("GET", `/admin/apps/${app.id}`);
  expect(shown.json).toMatchObject({ oldSaltExpiresAt: expiresAt });
});

test("rotate-salt during an overlap reports that it dropped the oldest salt", async () => {
  const app = await createApp();
  const second = fieldOf(await rotate(app.id, "salt", 3600), "salt");
  const answer = await rotate(app.id, "salt", 60);
  expect(answer.json).toMatchObject({ earlierSaltDropped: true });
  const salts = validSalts(await settings(app.id), Date.now());
  expect(salts).toEqual([fieldOf(answer, "salt"), second]);
});

test("rotate-salt without an overlap invalidates the old salt", async () => {
  const app = await createApp();
  const answer = await rotate(app.id, "salt", 0);
  expect(answer.json).toMatchObject({ oldSaltExpiresAt: null });
  expect(validSalts(await settings(app.id), Date.now())).toEqual([fieldOf(answer, "salt")]);
});

test("rotate-webhook-secret leaves the salt unchanged", async () => {
  const app = await createApp();
  const answer = await rotate(app.id, "webhook-secret", 3600);
  expect(answer.status).toBe(200);
  expect(answer.json).toEqual({
    id: Number(app.id),
    webhookSecret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    oldWebhookSecretExpiresAt: expect.any(Number),
    earlierWebhookSecretDropped: false,
    knownEverywhereAt: expect.any(Number),
  });
  expect(await settings(app.id)).toMatchObject({
    salt: app.salt,
    oldSalt: null,
    webhookSecret: fieldOf(answer, "webhookSecret"),
    oldWebhookSecret: { secret: app.webhookSecret },
  });
  const again = await rotate(app.id, "webhook-secret", 0);
  expect(again.json).toMatchObject({ earlierWebhookSecretDropped: true });
});

describe.for(["salt", "webhook-secret"])("rotate-%s", (secret) => {
  test.for<[unknown, string]>([
    [undefined, "is required"],
    [-1, "must be 0 or more"],
    [1.5, "must be a whole number of seconds"],
    ["60", "must be a whole number of seconds"],
    [2_592_001, "must be at most 2592000 (30 days)"],
  ])("refuses the overlap %j", async ([overlap, fault]) => {
    const { id, salt, webhookSecret } = await createApp();
    const answer = await rotate(id, secret, overlap);
    expect([answer.status, fieldErrors(answer)]).toEqual([400, { overlapSeconds: fault }]);
    expect(await settings(id)).toMatchObject({ salt, webhookSecret });
  });

  test("refuses a secret chosen by the caller", async () => {
    const { id } = await createApp();
    const body = { overlapSeconds: 0, salt: "x".repeat(32) };
    const answer = await sendAdmin("POST", `/admin/apps/${id}/rotate-${secret}`, { body });
    expect([answer.status, fieldErrors(answer)]).toEqual([
      400,
      { salt: "is not a field of this request" },
    ]);
  });

  test("answers 404 for an absent app", async () => {
    const answer = await rotate("999999", secret, 0);
    expect([answer.status, answer.json]).toMatchObject([404, { error: { code: "not_found" } }]);
  });

  test("answers 409 with advice when the old secret can't be opened and an overlap is requested", async () => {
    const errors = vi.spyOn(console, "error").mockReturnValue();
    const { id } = await createApp();
    const columns = "salt_sealed = 'k1.00000000.x', webhook_secret_sealed = 'k1.00000000.x'";
    await env.DB.prepare(`update apps set ${columns} where id = ?`).bind(id).run();
    const answer = await rotate(id, secret, 60);
    expect(answer.status).toBe(409);
    expect(answer.text).toContain("rotate with overlapSeconds 0");
    expect(errors.mock.calls.join()).toContain("secret_unreadable");
    expect((await rotate(id, secret, 0)).status).toBe(200);
    errors.mockRestore();
  });
});
