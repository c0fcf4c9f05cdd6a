import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { connect } from "../../src/db/database.ts";
import { activateSalt, stageSalt } from "../../src/db/apps-staged-salt.ts";
import { rotateSecret } from "../../src/db/apps-rotation.ts";
import { forgetSettings, validSalts } from "../../src/settings/settings.ts";
import { readApp } from "../support/settings.ts";
import { appBody, createMerchant, fieldErrors, fieldOf, sendAdmin } from "./support.ts";

const SALT = "a-salt-that-an-app-brought";

const db = connect(env.DB);
const masterKey = await importMasterKey(env.MASTER_KEY);
const otherKey = await importMasterKey("b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=");
const merchantId = await createMerchant();

afterEach(() => {
  vi.restoreAllMocks();
});

interface App {
  readonly id: number;
  readonly salt: string;
}

async function createApp(): Promise<App> {
  const answer = await sendAdmin("POST", "/admin/apps", { body: appBody(merchantId) });
  return { id: Number(fieldOf(answer, "id")), salt: fieldOf(answer, "salt") };
}

const stage = async ({ id }: Pick<App, "id">, body: object = {}, options: object = {}) =>
  await sendAdmin("POST", `/admin/apps/${id}/stage-salt`, { body, ...options });
const activate = async ({ id }: Pick<App, "id">, overlapSeconds: unknown = 3600) =>
  await sendAdmin("POST", `/admin/apps/${id}/activate-salt`, { body: { overlapSeconds } });
const show = async ({ id }: App) => (await sendAdmin("GET", `/admin/apps/${id}`)).json;

async function settings({ id }: App, nowAt = Date.now()) {
  forgetSettings();
  const found = await readApp(db, masterKey, id, nowAt);
  if (!found.ok) throw new Error(found.error);
  return found.value;
}

async function saltsOf(app: App): Promise<string[]> {
  return validSalts(await settings(app), Date.now());
}

describe("stage-salt", () => {
  test("shows a new salt once, which is accepted and signs nothing yet", async () => {
    const app = await createApp();
    const answer = await stage(app);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      id: app.id,
      salt: expect.stringMatching(/^[0-9a-f]{32}$/),
      stagedSaltReplaced: false,
      knownEverywhereAt: expect.any(Number),
    });
    const staged = fieldOf(answer, "salt");
    expect(await settings(app)).toMatchObject({ salt: app.salt, stagedSalt: staged });
    expect(await saltsOf(app)).toEqual([app.salt, staged]);
    const shown = await show(app);
    const stagedAt = Number(fieldOf(answer, "knownEverywhereAt")) - 60_000;
    expect(shown).toMatchObject({ saltStagedAt: stagedAt, oldSaltExpiresAt: null });
    expect(JSON.stringify(shown)).not.toContain(staged);
  });

  test("takes a salt of the app's", async () => {
    const app = await createApp();
    expect((await stage(app, { salt: SALT })).json).toMatchObject({ salt: SALT });
    expect(await saltsOf(app)).toEqual([app.salt, SALT]);
  });

  test("replaces an earlier staged salt and says so", async () => {
    const app = await createApp();
    await stage(app, { salt: SALT });
    const answer = await stage(app);
    expect(answer.json).toMatchObject({ stagedSaltReplaced: true });
    expect(await saltsOf(app)).toEqual([app.salt, fieldOf(answer, "salt")]);
  });

  test("keeps an old salt that is still in its overlap", async () => {
    const app = await createApp();
    const path = `/admin/apps/${app.id}/rotate-salt`;
    const rotated = await sendAdmin("POST", path, { body: { overlapSeconds: 3600 } });
    const staged = fieldOf(await stage(app), "salt");
    expect(await saltsOf(app)).toEqual([fieldOf(rotated, "salt"), staged, app.salt]);
  });

  test("refuses the current salt", async () => {
    const app = await createApp();
    const answer = await stage(app, { salt: app.salt });
    expect([answer.status, fieldErrors(answer)]).toEqual([
      400,
      { salt: "must not be the app's current salt" },
    ]);
  });

  test.for(["1234567", "x".repeat(129), "with blanks in it", 12345678, null])(
    "refuses the salt %j",
    async (salt) => {
      const app = await createApp();
      const answer = await stage(app, { salt });
      expect([answer.status, Object.keys(fieldErrors(answer))]).toEqual([400, ["salt"]]);
      expect(await saltsOf(app)).toEqual([app.salt]);
    },
  );

  test.for(["992a7f0b35d90fa9d45fe7a669414fbb", "short-salt", "x".repeat(32)])(
    "refuses the published or weak salt %s outside development",
    async (salt) => {
      const app = await createApp();
      for (const environment of ["qa", "production"]) {
        const answer = await stage(app, { salt }, { environment });
        expect([answer.status, Object.keys(fieldErrors(answer))]).toEqual([400, ["salt"]]);
      }
      expect((await stage(app, { salt })).status).toBe(200);
    },
  );
});

describe("activate-salt", () => {
  test("signs with the staged salt and accepts the one before until the overlap ends", async () => {
    const app = await createApp();
    const staged = fieldOf(await stage(app), "salt");
    const answer = await activate(app);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      id: app.id,
      oldSaltExpiresAt: expect.any(Number),
      earlierSaltDropped: false,
      knownEverywhereAt: expect.any(Number),
    });
    const expiresAt = Number(fieldOf(answer, "oldSaltExpiresAt"));
    expect(expiresAt).toBe(Number(fieldOf(answer, "knownEverywhereAt")) - 60_000 + 3_600_000);
    const activated = await settings(app);
    expect(activated).toMatchObject({ salt: staged, stagedSalt: null });
    expect(validSalts(activated, expiresAt - 1)).toEqual([staged, app.salt]);
    expect(validSalts(activated, expiresAt)).toEqual([staged]);
    expect(await show(app)).toMatchObject({ saltStagedAt: null, oldSaltExpiresAt: expiresAt });
  });

  test("without an overlap refuses the salt before at once", async () => {
    const app = await createApp();
    await stage(app, { salt: SALT });
    expect((await activate(app, 0)).json).toMatchObject({ oldSaltExpiresAt: null });
    expect(await saltsOf(app)).toEqual([SALT]);
  });

  test("says when it drops a salt that was still in its overlap", async () => {
    const app = await createApp();
    const first = fieldOf(await stage(app), "salt");
    await activate(app);
    const second = fieldOf(await stage(app), "salt");
    expect((await activate(app)).json).toMatchObject({ earlierSaltDropped: true });
    expect(await saltsOf(app)).toEqual([second, first]);
  });

  test("answers 409 when no salt is staged, and when it is repeated", async () => {
    const app = await createApp();
    expect((await activate(app)).status).toBe(409);
    await stage(app, { salt: SALT });
    expect((await activate(app)).status).toBe(200);
    const repeated = await activate(app, 0);
    expect([repeated.status, repeated.text]).toEqual([409, expect.stringContaining("stage-salt")]);
    expect(await saltsOf(app)).toEqual([SALT, app.salt]);
  });

  test.for([undefined, -1, 1.5, "60", 2_592_001])("refuses the overlap %j", async (overlap) => {
    const app = await createApp();
    await stage(app, { salt: SALT });
    const answer = await sendAdmin("POST", `/admin/apps/${app.id}/activate-salt`, {
      body: { overlapSeconds: overlap },
    });
    expect([answer.status, Object.keys(fieldErrors(answer))]).toEqual([400, ["overlapSeconds"]]);
    expect(await settings(app)).toMatchObject({ salt: app.salt, stagedSalt: SALT });
  });
});

test("stage-salt and activate-salt answer 404 for an absent app", async () => {
  for (const answer of [await stage({ id: 999_999 }), await activate({ id: 999_999 })]) {
    expect([answer.status, answer.json]).toMatchObject([404, { error: { code: "not_found" } }]);
  }
});

test("rotate-salt drops a staged salt and says so; rotate-webhook-secret keeps it", async () => {
  const app = await createApp();
  const rotate = async (secret: string) =>
    await sendAdmin("POST", `/admin/apps/${app.id}/rotate-${secret}`, {
      body: { overlapSeconds: 60 },
    });
  await stage(app, { salt: SALT });
  await rotate("webhook-secret");
  expect(await saltsOf(app)).toEqual([app.salt, SALT]);
  const rotated = await rotate("salt");
  expect(rotated.json).toMatchObject({ stagedSaltDropped: true });
  expect(await saltsOf(app)).toEqual([fieldOf(rotated, "salt"), app.salt]);
  expect((await rotate("salt")).json).toMatchObject({ stagedSaltDropped: false });
});

describe("changes of one app's salts at the same time", () => {
  test("leave the salts of the ones that succeeded, and none that was refused", async () => {
    const app = await createApp();
    const salts = ["staged-salt-number-1", "staged-salt-number-2", "staged-salt-number-3"];
    const answers = await Promise.all(
      salts.map(async (salt) => await stageSalt(db, masterKey, app.id, salt, Date.now())),
    );
    const staged = salts.filter((_, at) => answers[at]?.ok === true);
    const { stagedSalt } = await settings(app);
    expect(staged).toContain(stagedSalt);
    for (const answer of answers) if (!answer.ok) expect(answer.error).toBe("raced");

    const [activated, again, rotated] = await Promise.all([
      activateSalt(db, masterKey, app.id, 60_000, Date.now()),
      activateSalt(db, masterKey, app.id, 60_000, Date.now()),
      rotateSecret(
        db,
        masterKey,
        app.id,
        "salt",
        { fresh: "a-rotated-salt-of-app", overlapMs: 60_000 },
        Date.now(),
      ),
    ]);
    expect([activated.ok, again.ok]).toContain(false);
    const { salt } = await settings(app);
    expect(salt).toBe(rotated.ok ? "a-rotated-salt-of-app" : stagedSalt);
  });
});

describe("a staged salt under another master key", () => {
  test("can't be activated, and is replaced by rotate-salt", async () => {
    vi.spyOn(console, "error").mockReturnValue();
    const app = await createApp();
    await stage(app, { salt: SALT });
    expect(await activateSalt(db, otherKey, app.id, 0, Date.now())).toEqual({
      ok: false,
      error: "unreadable",
    });
    expect(await stageSalt(db, otherKey, app.id, SALT, Date.now())).toEqual({
      ok: false,
      error: "unreadable",
    });
    expect(await saltsOf(app)).toEqual([app.salt, SALT]);
  });
});
