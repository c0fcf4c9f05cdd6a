import { env } from "cloudflare:workers";
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { connect } from "../../src/db/database.ts";
import { listRequestKeys } from "../../src/db/request-keys.ts";
import { reseal } from "../../src/db/reseal.ts";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { ED25519_PUBLIC } from "../contract/request-signature/support.ts";
import { readApp } from "../support/settings.ts";
import { appBody, sendAdmin, fieldErrors, fieldOf, createMerchant } from "./support.ts";

const db = connect(env.DB);
const masterKey = await importMasterKey(env.MASTER_KEY);
const merchantId = await createMerchant();

const newApp = async () =>
  fieldOf(await sendAdmin("POST", "/admin/apps", { body: appBody(merchantId) }), "id");

const HMAC = { algorithm: "hmac-sha256" };
const ED25519 = { algorithm: "ed25519", publicKeyPem: ED25519_PUBLIC };

const add = async (id: string, body: object = HMAC) =>
  await sendAdmin("POST", `/admin/apps/${id}/request-keys`, { body });
const list = async (id: string) => await sendAdmin("GET", `/admin/apps/${id}/request-keys`);
const drop = async (id: string, keyId: string) =>
  await sendAdmin("DELETE", `/admin/apps/${id}/request-keys/${keyId}`);
const setMode = async (id: string, requestSignature: unknown) =>
  await sendAdmin("PATCH", `/admin/apps/${id}`, { body: { requestSignature } });

async function settings(id: string, key = masterKey) {
  const found = await readApp(db, key, Number(id), Date.now());
  if (!found.ok) throw new Error(found.error);
  return found.value;
}

describe("POST /admin/apps/:id/request-keys", () => {
  test("makes an HMAC secret and shows it this once", async () => {
    const id = await newApp();
    const made = await add(id);
    expect(made.status).toBe(201);
    expect(made.json).toEqual({
      keyId: expect.stringMatching(/^[0-9a-f]{32}$/),
      algorithm: "hmac-sha256",
      createdAt: expect.any(Number),
      secret: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
    });
    const secret = fieldOf(made, "secret");
    expect((await list(id)).text).not.toContain(secret);
    const { results } = await env.DB.prepare("select * from request_keys").all();
    expect(JSON.stringify(results)).not.toContain(secret);
    await setMode(id, "all");
    expect((await settings(id)).requestKeys).toEqual([
      { keyId: fieldOf(made, "keyId"), algorithm: "hmac-sha256", material: secret },
    ]);
  });

  test("registers an Ed25519 public key", async () => {
    const id = await newApp();
    const made = await add(id, ED25519);
    expect(made.status).toBe(201);
    expect(made.json).toEqual({
      keyId: expect.stringMatching(/^[0-9a-f]{32}$/),
      algorithm: "ed25519",
      createdAt: expect.any(Number),
    });
    await setMode(id, "refunds");
    expect(await settings(id)).toMatchObject({
      requestSignature: "refunds",
      requestKeys: [{ algorithm: "ed25519", material: ED25519_PUBLIC }],
    });
  });

  test.for<[string, object, Record<string, string>]>([
    ["no algorithm", {}, { algorithm: "is required" }],
    [
      "another algorithm",
      { algorithm: "rsa-pss-sha512" },
      { algorithm: "must be ed25519 or hmac-sha256" },
    ],
    ["Ed25519 without a key", { algorithm: "ed25519" }, { publicKeyPem: "is required" }],
    [
      "HMAC with a key",
      { ...ED25519, ...HMAC },
      { publicKeyPem: "is for ed25519 only: the gateway makes the secret" },
    ],
    [
      "a secret of the caller's choice",
      { ...HMAC, secret: "x" },
      { secret: "is not a field of this request" },
    ],
    [
      "an X25519 key",
      {
        ...ED25519,
        publicKeyPem: generateKeyPairSync("x25519").publicKey.export({
          type: "spki",
          format: "pem",
        }),
      },
      { publicKeyPem: "must be an Ed25519 public key, SPKI in PEM" },
    ],
    [
      "text that isn't PEM",
      { ...ED25519, publicKeyPem: "x" },
      { publicKeyPem: "must be an Ed25519 public key, SPKI in PEM" },
    ],
  ])("refuses %s with a 400", async ([, body, expected]) => {
    const id = await newApp();
    const answer = await add(id, body);
    expect([answer.status, fieldErrors(answer)]).toEqual([400, expected]);
    expect((await list(id)).json).toEqual({ items: [], nextCursor: null });
  });

  test("refuses the eleventh key with a 409 that says why", async () => {
    const id = await newApp();
    for (let count = 0; count < 10; count++) expect((await add(id)).status).toBe(201);
    const answer = await add(id);
    expect(answer.status).toBe(409);
    expect(answer.text).toContain("10 request keys already");
  });

  test("answers an absent app with a 404", async () => {
    expect([(await add("999999")).status, (await list("999999")).status]).toEqual([404, 404]);
  });

  test("keeps apart keys that are added at once", async () => {
    const id = await newApp();
    const made = await Promise.all([add(id), add(id), add(id)]);
    expect(made.map(({ status }) => status)).toEqual([201, 201, 201]);
    await setMode(id, "all");
    const materials = (await settings(id)).requestKeys.map(({ material }) => material);
    expect(materials.toSorted()).toEqual(made.map((one) => fieldOf(one, "secret")).toSorted());
  });
});

test("GET lists an app's own keys, the oldest first", async () => {
  const [id, other] = [await newApp(), await newApp()];
  const [first, second] = [await add(id), await add(id, ED25519)];
  await add(other);
  const shown = [first, second].map((made) => ({
    keyId: fieldOf(made, "keyId"),
    algorithm: fieldOf(made, "algorithm"),
    createdAt: Number(fieldOf(made, "createdAt")),
  }));
  expect((await list(id)).json).toEqual({ items: shown, nextCursor: null });
});

describe("PATCH requestSignature", () => {
  test.for(["refunds", "all"])("%s is a 400 while the app has no key", async (mode) => {
    const id = await newApp();
    const answer = await setMode(id, mode);
    expect([answer.status, fieldErrors(answer)]).toEqual([
      400,
      { requestSignature: "requires a request key: add one to the app first" },
    ]);
    expect(await settings(id)).toMatchObject({ requestSignature: "off", requestKeys: [] });
    expect((await setMode("999999", mode)).status).toBe(404);
  });

  test("changes the app at once, and is shown", async () => {
    const id = await newApp();
    await settings(id);
    await add(id);
    const answer = await setMode(id, "all");
    expect([answer.status, answer.json]).toMatchObject([200, { requestSignature: "all" }]);
    expect((await settings(id)).requestSignature).toBe("all");
    expect((await setMode(id, "off")).json).toMatchObject({ requestSignature: "off" });
    expect((await settings(id)).requestSignature).toBe("off");
  });

  test("refuses any other word", async () => {
    const answer = await setMode(await newApp(), "some");
    expect(fieldErrors(answer)).toEqual({ requestSignature: "must be off, refunds or all" });
  });
});

describe("DELETE /admin/apps/:id/request-keys/:keyId", () => {
  test("deletes one key, which is gone at once", async () => {
    const id = await newApp();
    const [first, second] = [fieldOf(await add(id), "keyId"), fieldOf(await add(id), "keyId")];
    await setMode(id, "all");
    await settings(id);
    const answer = await drop(id, first);
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect((await settings(id)).requestKeys.map(({ keyId }) => keyId)).toEqual([second]);
    expect((await drop(id, first)).status).toBe(404);
  });

  test("answers another app's key with a 404 and leaves it", async () => {
    const [id, other] = [await newApp(), await newApp()];
    const keyId = fieldOf(await add(other), "keyId");
    expect([(await drop(id, keyId)).status, (await drop("999999", keyId)).status]).toEqual([
      404, 404,
    ]);
    expect(await listRequestKeys(db, Number(other))).toHaveLength(1);
  });

  test("refuses the last key of an app that must sign, until it needn't", async () => {
    const id = await newApp();
    const keyId = fieldOf(await add(id), "keyId");
    await setMode(id, "refunds");
    const answer = await drop(id, keyId);
    expect(answer.status).toBe(409);
    expect(answer.text).toContain("set requestSignature to off first");
    await setMode(id, "off");
    expect((await drop(id, keyId)).status).toBe(204);
  });

  test("of two last keys that are deleted at once, leaves one", async () => {
    const id = await newApp();
    const keyIds = [fieldOf(await add(id), "keyId"), fieldOf(await add(id), "keyId")];
    await setMode(id, "all");
    const answers = await Promise.all(keyIds.map(async (keyId) => await drop(id, keyId)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204, 409]));
  });
});

test("the log tells of added and deleted keys, without their secrets", async () => {
  const info = vi.spyOn(console, "info").mockReturnValue();
  const id = await newApp();
  const made = await add(id);
  await drop(id, fieldOf(made, "keyId"));
  const logged = info.mock.calls.flat().join("\n");
  info.mockRestore();
  for (const event of ["request_key_added", "request_key_deleted"]) {
    expect(logged).toContain(`"event":"${event}","requestId":"request-of-a-test","appId":${id}`);
  }
  expect(logged).not.toContain(fieldOf(made, "secret"));
});

test("an HMAC secret that can't be opened makes only an app unreadable that must sign", async () => {
  const errors = vi.spyOn(console, "error").mockReturnValue();
  const id = await newApp();
  await add(id);
  await env.DB.prepare("update request_keys set secret_sealed = 'k1.00000000.x' where app_id = ?")
    .bind(id)
    .run();
  const read = async () => {
    forgetSettings();
    return await readApp(db, masterKey, Number(id), Date.now());
  };
  expect(await read()).toMatchObject({ ok: true, value: { requestKeys: [] } });
  await setMode(id, "all");
  expect(await read()).toEqual({ ok: false, error: "unreadable" });
  expect(errors.mock.calls.join()).toContain('"column":"secret_sealed"');
  errors.mockRestore();
});

// Last: it moves the merchant's secrets to another master key, too.
test("a reseal moves HMAC secrets to the new master key", async () => {
  const id = await newApp();
  const secret = fieldOf(await add(id), "secret");
  await add(id, ED25519);
  await setMode(id, "all");
  const newKey = "b3RoZXItbWFzdGVyLWtleS13aXRoLTMyLWJ5dGVzISE=";
  const bothKeys = await importMasterKey(newKey, env.MASTER_KEY);
  while ((await reseal(db, bothKeys)).more);
  forgetSettings();
  const { requestKeys } = await settings(id, await importMasterKey(newKey));
  expect(requestKeys.map(({ material }) => material)).toEqual([secret, ED25519_PUBLIC]);
});
