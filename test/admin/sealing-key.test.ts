import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { keys } from "../wechat/v3/support/fixtures.ts";
import { ED25519_PUBLIC } from "../contract/request-signature/support.ts";
import { API_KEY, appBody, createMerchant, fieldOf, merchantBody, sendAdmin } from "./support.ts";

const OTHER_KEY = "b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=";
const THIRD_KEY = "dGhpcmQtbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=";
/** A MASTER_KEY under which nothing is sealed, and no previous one. */
const WRONG = { masterKey: OTHER_KEY, previousMasterKey: null };
/** The same, in the middle of a change of keys. */
const WRONG_PAIR = { masterKey: OTHER_KEY, previousMasterKey: THIRD_KEY };
/** A change of keys as it is documented: the previous key opens everything. */
const CHANGING = { masterKey: OTHER_KEY, previousMasterKey: env.MASTER_KEY };

let merchant = "";
let app = "";

beforeEach(async () => {
  for (const level of ["info", "warn", "error"] as const)
    vi.spyOn(console, level).mockReturnValue();
  vi.spyOn(globalThis, "fetch").mockImplementation(async () =>
    Response.json({ code: "NO_AUTH", message: "" }, { status: 403 }),
  );
  for (const table of ["request_keys", "apps", "merchants"]) {
    await env.DB.exec(`delete from ${table}`);
  }
  const id = await createMerchant();
  merchant = `/admin/merchants/${id}`;
  const created = await sendAdmin("POST", "/admin/apps", { body: appBody(id) });
  app = `/admin/apps/${fieldOf(created, "id")}`;
});

const rows = async () =>
  await Promise.all(
    ["request_keys", "apps", "merchants"].map(
      async (table) => (await env.DB.prepare(`select * from ${table}`).all()).results,
    ),
  );

/** Every request that seals a secret. */
function sealing(): [name: string, method: string, path: string, body: object][] {
  const { apiKey: _, ...facts } = merchantBody();
  const v3 = {
    apiV3Key: "a-key-of-thirty-two-bytes-for-v3",
    merchantSerialNo: keys.merchant.serialNo,
    merchantPrivateKey: keys.merchant.privateKey,
  };
  return [
    ["a merchant of APIv2", "POST", "/admin/merchants", merchantBody()],
    ["a merchant of APIv3", "POST", "/admin/merchants", { ...facts, protocol: "v3", ...v3 }],
    ["a merchant's APIv2 key", "PATCH", merchant, { apiKey: API_KEY }],
    ["a merchant's APIv3 key", "PATCH", merchant, { apiV3Key: v3.apiV3Key }],
    ["a merchant's private key", "PATCH", merchant, v3],
    ["an app", "POST", "/admin/apps", appBody(Number(merchant.split("/").at(-1)))],
    ["a salt with an overlap", "POST", `${app}/rotate-salt`, { overlapSeconds: 60 }],
    ["a salt", "POST", `${app}/rotate-salt`, { overlapSeconds: 0 }],
    ["a webhook secret", "POST", `${app}/rotate-webhook-secret`, { overlapSeconds: 0 }],
    ["a request key", "POST", `${app}/request-keys`, { algorithm: "hmac-sha256" }],
  ];
}

describe("sealing under a master key that doesn't open the stored secrets", () => {
  test.for([WRONG, WRONG_PAIR])(
    "is refused by every route, and changes nothing (case %#)",
    async (wrong) => {
      const before = await rows();
      for (const [name, method, path, body] of sealing()) {
        const answer = await sendAdmin(method, path, { body, keys: wrong });
        expect([name, answer.status]).toEqual([name, 409]);
        expect(answer.text).toMatch(/open under neither MASTER_KEY .* nor MASTER_KEY_PREVIOUS/);
      }
      expect(await rows()).toEqual(before);
    },
  );

  test("is refused while a single secret of one row is under another key", async () => {
    const others = await createMerchant();
    for (const [table, column] of [
      ["merchants", "api_key_sealed"],
      ["merchants", "api_v3_key_sealed"],
      ["merchants", "merchant_private_key_sealed"],
      ["apps", "salt_sealed"],
      ["apps", "old_salt_sealed"],
      ["apps", "staged_salt_sealed"],
      ["apps", "webhook_secret_sealed"],
      ["apps", "old_webhook_secret_sealed"],
    ] as const) {
      const body = appBody(others);
      const victim =
        table === "apps"
          ? fieldOf(await sendAdmin("POST", "/admin/apps", { body }), "id")
          : String(others);
      const row = `where id = ${victim}`;
      const kept = await env.DB.prepare(`select ${column} as v from ${table} ${row}`).first();
      await env.DB.exec(`update ${table} set ${column} = 'k1.00000000.AQEBAQEBAQEBAQEB.x' ${row}`);
      const answer = await sendAdmin("POST", "/admin/merchants", { body: merchantBody() });
      expect([column, answer.status]).toEqual([column, 409]);
      await env.DB.prepare(`update ${table} set ${column} = ? ${row}`).bind(kept?.["v"]).run();
      expect((await sendAdmin("POST", "/admin/merchants", { body: merchantBody() })).status).toBe(
        201,
      );
    }
  });

  test("is refused while a request key is under another key", async () => {
    await sendAdmin("POST", `${app}/request-keys`, { body: { algorithm: "hmac-sha256" } });
    await env.DB.exec("update request_keys set secret_sealed = 'k1.00000000.AQEBAQEBAQEBAQEB.x'");
    expect((await sendAdmin("POST", "/admin/merchants", { body: merchantBody() })).status).toBe(
      409,
    );
  });

  test("leaves requests that seal nothing", async () => {
    const renamed = { body: { name: "Renamed" }, keys: WRONG };
    expect((await sendAdmin("PATCH", merchant, renamed)).status).toBe(200);
    expect((await sendAdmin("PATCH", app, renamed)).status).toBe(200);
    expect((await sendAdmin("GET", "/admin/apps", { keys: WRONG })).status).toBe(200);
    const body = { algorithm: "ed25519", publicKeyPem: ED25519_PUBLIC };
    expect((await sendAdmin("POST", `${app}/request-keys`, { body, keys: WRONG })).status).toBe(
      201,
    );
  });

  test("is allowed while the previous key opens the rest", async () => {
    for (const [name, method, path, body] of sealing()) {
      const { status } = await sendAdmin(method, path, { body, keys: CHANGING });
      expect([name, status < 300]).toEqual([name, true]);
    }
  });

  test("is allowed in a database without secrets", async () => {
    await env.DB.exec("delete from apps");
    await env.DB.exec("delete from merchants");
    const answer = await sendAdmin("POST", "/admin/merchants", {
      body: merchantBody(),
      keys: WRONG,
    });
    expect(answer.status).toBe(201);
  });

  test("is allowed while a text is merely damaged", async () => {
    await env.DB.exec("update apps set salt_sealed = 'plain'");
    expect((await sendAdmin("POST", "/admin/merchants", { body: merchantBody() })).status).toBe(
      201,
    );
  });

  test("is allowed to replace the secrets of the only row under another key", async () => {
    const other = "'k1.00000000.AQEBAQEBAQEBAQEB.x'";
    await env.DB.exec(`update apps set salt_sealed = ${other}, webhook_secret_sealed = ${other}`);
    for (const secret of ["salt", "webhook-secret"]) {
      const body = { overlapSeconds: 0 };
      expect((await sendAdmin("POST", `${app}/rotate-${secret}`, { body })).status).toBe(200);
    }
    await env.DB.exec(`update merchants set api_key_sealed = ${other}`);
    expect((await sendAdmin("PATCH", merchant, { body: { apiKey: API_KEY } })).status).toBe(200);
    expect((await sendAdmin("POST", "/admin/merchants", { body: merchantBody() })).status).toBe(
      201,
    );
  });

  test("is allowed once the operator says that the key is lost", async () => {
    const lost = "?masterKeyLost=true";
    const repairs = [
      ["POST", `${app}/rotate-salt`, { overlapSeconds: 0 }],
      ["POST", `${app}/rotate-webhook-secret`, { overlapSeconds: 0 }],
      ["PATCH", merchant, { apiKey: API_KEY }],
    ] as const;
    const [[method, path, body]] = repairs;
    const unsure = `${path}?masterKeyLost=false`;
    expect((await sendAdmin(method, unsure, { body, keys: WRONG })).status).toBe(409);
    for (const [verb, route, fields] of repairs) {
      const { status } = await sendAdmin(verb, route + lost, { body: fields, keys: WRONG });
      expect(status).toBe(200);
    }
    // Everything is sealed under the new key now.
    const answer = await sendAdmin("POST", "/admin/merchants", {
      body: merchantBody(),
      keys: WRONG,
    });
    expect(answer.status).toBe(201);
  });
});
