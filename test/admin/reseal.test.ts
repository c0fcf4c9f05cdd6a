import { env } from "cloudflare:workers";
import { beforeAll, expect, test, vi } from "vitest";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { connect } from "../../src/db/database.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { readApp } from "../support/settings.ts";
import {
  API_KEY,
  appBody,
  sendAdmin,
  failNextQuery,
  fieldOf,
  createMerchant,
  REQUEST_ID,
} from "./support.ts";

const NEW_KEY = "b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=";
const CHANGING = { masterKey: NEW_KEY, previousMasterKey: env.MASTER_KEY };
const CHANGED = { masterKey: NEW_KEY, previousMasterKey: null };

const spies = (["info", "warn", "error", "log", "debug"] as const).map((level) =>
  vi.spyOn(console, level).mockReturnValue(),
);
const logged = () => spies.flatMap((spy) => spy.mock.calls.flat().map(String)).join("\n");
const newKey = await importMasterKey(NEW_KEY);
const STAGED_SALT = "the-salt-that-is-staged";
const secrets = [API_KEY];
let app = "";

const rows = async () => [
  ...(await env.DB.prepare("select * from merchants").all()).results,
  ...(await env.DB.prepare("select * from apps").all()).results,
];

beforeAll(async () => {
  const created = await sendAdmin("POST", "/admin/apps", { body: appBody(await createMerchant()) });
  app = `/admin/apps/${fieldOf(created, "id")}`;
  const body = { overlapSeconds: 3600 };
  const salt = await sendAdmin("POST", `${app}/rotate-salt`, { body });
  const staged = await sendAdmin("POST", `${app}/stage-salt`, { body: { salt: STAGED_SALT } });
  if (staged.status !== 200) throw new Error(staged.text);
  // Already under the new key: the replaced secret is opened with the previous one.
  const changing = { body, keys: CHANGING };
  const webhookSecret = await sendAdmin("POST", `${app}/rotate-webhook-secret`, changing);
  for (const answer of [created, salt]) secrets.push(fieldOf(answer, "salt"));
  for (const answer of [created, webhookSecret]) secrets.push(fieldOf(answer, "webhookSecret"));
  secrets.push(STAGED_SALT);
});

test("POST /admin/reseal reseals nothing without the admin token", async () => {
  const before = await rows();
  const headers = { authorization: "Bearer another-admin-token" };
  expect((await sendAdmin("POST", "/admin/reseal", { headers, keys: CHANGING })).status).toBe(401);
  expect((await sendAdmin("GET", "/admin/reseal", { keys: CHANGING })).status).toBe(404);
  expect(await rows()).toEqual(before);
});

test("POST /admin/reseal answers 500 when D1 fails", async () => {
  failNextQuery();
  const answer = await sendAdmin("POST", "/admin/reseal", { keys: CHANGING });
  expect([answer.status, answer.json]).toMatchObject([500, { error: { code: "internal" } }]);
});

test("I9: POST /admin/reseal moves all secrets to the new key and reveals none", async () => {
  const answer = await sendAdmin("POST", "/admin/reseal", { keys: CHANGING });
  expect(answer.status).toBe(200);
  const facts = {
    masterKeyId: newKey.id,
    resealed: 2,
    alreadyCurrent: 0,
    more: false,
    unreadable: 0,
  };
  expect(answer.json).toEqual({ ...facts, unreadableRows: [] });
  const line = { level: "info", event: "secrets_resealed", requestId: REQUEST_ID, ...facts };
  expect(logged()).toContain(JSON.stringify(line));

  const stored = await rows();
  const sealed = stored.flatMap((row) =>
    Object.entries(row).flatMap(([column, value]) =>
      column.endsWith("_sealed") ? (value ?? []) : [],
    ),
  );
  expect(sealed).toHaveLength(6);
  for (const value of sealed) {
    expect(value).toMatch(new RegExp(`^k1\\.${newKey.id}\\.[\\w-]{16}\\.[\\w-]+$`));
  }
  for (const secret of [...secrets, env.MASTER_KEY, NEW_KEY]) {
    for (const text of [JSON.stringify(stored), answer.text, logged()]) {
      expect(text).not.toContain(secret);
    }
  }
});

test("POST /admin/reseal leaves the gateway working with the new key alone", async () => {
  forgetSettings();
  const found = await readApp(connect(env.DB), newKey, Number(app.split("/").at(-1)), Date.now());
  const [apiKey, oldSalt, salt, oldSecret, webhookSecret] = secrets;
  expect(found).toMatchObject({
    ok: true,
    value: {
      merchant: { v2: { apiKey } },
      salt,
      oldSalt: { salt: oldSalt },
      stagedSalt: STAGED_SALT,
      webhookSecret,
      oldWebhookSecret: { secret: oldSecret },
    },
  });
  for (const keys of [CHANGING, CHANGED]) {
    const answer = await sendAdmin("POST", "/admin/reseal", { keys });
    expect(answer.json).toMatchObject({ resealed: 0, alreadyCurrent: 2, unreadable: 0 });
  }
});

test("POST /admin/reseal ignores the body", async () => {
  const options = { raw: "no JSON", headers: { "content-type": "text/plain" }, keys: CHANGING };
  expect((await sendAdmin("POST", "/admin/reseal", options)).status).toBe(200);
});

test("I9: POST /admin/reseal names unreadable rows by table and id, without their content", async () => {
  const lost = "k1.00000000.AQEBAQEBAQEBAQEB.AQEBAQEBAQEBAQEBAQEBAQEB";
  await env.DB.prepare("update apps set salt_sealed = ?").bind(lost).run();
  await env.DB.prepare("update merchants set api_key_sealed = 'a-key-in-plain'").run();
  const answer = await sendAdmin("POST", "/admin/reseal", { keys: CHANGING });
  expect(answer.json).toEqual({
    masterKeyId: newKey.id,
    resealed: 0,
    alreadyCurrent: 0,
    more: false,
    unreadable: 2,
    unreadableRows: [
      { table: "merchants", id: 1 },
      { table: "apps", id: Number(app.split("/").at(-1)) },
    ],
  });
  expect(logged()).toContain('"event":"secret_unreadable","table":"apps","column":"salt_sealed"');
  for (const text of [answer.text, logged()]) {
    expect(text).not.toContain(lost);
    expect(text).not.toContain("a-key-in-plain");
  }
});
