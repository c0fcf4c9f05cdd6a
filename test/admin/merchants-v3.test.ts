import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { connect } from "../../src/db/database.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { readMerchant } from "../support/settings.ts";
import { API_V3_KEY, certificateA, keys, publicKey } from "../wechat/v3/support/fixtures.ts";
import { seal, signedHeaders } from "../wechat/v3/support/messages.ts";
import {
  API_KEY,
  sendAdmin,
  fieldErrors,
  fieldOf,
  fieldsOf,
  merchantBody,
  createMerchant,
} from "./support.ts";

const PATH = "/admin/merchants";
const { merchant, certificateA: a, certificateB: b } = keys;

const credentials = {
  apiV3Key: API_V3_KEY,
  merchantSerialNo: merchant.serialNo,
  merchantPrivateKey: merchant.privateKey,
};
const verifyKeys = [
  { id: publicKey.id, pem: keys.publicKey.publicKey },
  { id: a.id, pem: a.certificate },
];

function v3Body(changes: object = {}): Record<string, unknown> {
  const { apiKey: _, ...facts } = merchantBody();
  return { ...facts, protocol: "v3", ...credentials, verifyKeys, ...changes };
}

let wechat: () => Response;

beforeEach(() => {
  wechat = () => Response.json({ code: "RESOURCE_NOT_EXISTS", message: "" }, { status: 404 });
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => wechat());
  for (const level of ["info", "warn"] as const) vi.spyOn(console, level).mockReturnValue();
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function createV3Merchant(changes: object = {}): Promise<string> {
  const answer = await sendAdmin("POST", PATH, { body: v3Body(changes) });
  expect(answer.status).toBe(201);
  return fieldOf(answer, "id");
}

async function settings(id: string) {
  const masterKey = await importMasterKey(env.MASTER_KEY);
  const found = await readMerchant(connect(env.DB), masterKey, Number(id), Date.now());
  if (!found.ok) throw new Error(found.error);
  return found.value;
}

const shownKeys = [
  {
    id: publicKey.id,
    kind: "public-key",
    notBefore: null,
    notAfter: null,
    createdAt: expect.any(Number),
  },
  {
    id: a.id,
    kind: "certificate",
    notBefore: certificateA.notBefore,
    notAfter: certificateA.notAfter,
    createdAt: expect.any(Number),
  },
];

describe("POST /admin/merchants, protocol v3", () => {
  test("I9: registers a merchant and returns its keys but no secret", async () => {
    const sent = v3Body();
    const answer = await sendAdmin("POST", PATH, { body: sent });
    expect(answer.status).toBe(201);
    expect(answer.json).toEqual({
      id: expect.any(Number),
      name: sent["name"],
      mchId: sent["mchId"],
      protocol: "v3",
      signType: null,
      certBinding: null,
      refundFunds: "unsettled",
      merchantSerialNo: merchant.serialNo,
      certificatesCheckedAt: null,
      verifyKeys: shownKeys,
      createdAt: expect.any(Number),
      updatedAt: expect.any(Number),
    });
    expect(answer.text).not.toMatch(/PRIVATE|BEGIN/);
    expect(answer.text).not.toContain(API_V3_KEY);
    const id = fieldOf(answer, "id");
    expect((await sendAdmin("GET", `${PATH}/${id}`)).json).toEqual(answer.json);
    const listed = await sendAdmin("GET", `${PATH}?cursor=${Number(id) - 1}&limit=1`);
    expect(listed.json).toEqual({ items: [answer.json], nextCursor: null });
  });

  test("I9: stores the client's settings with sealed secrets", async () => {
    const id = await createV3Merchant();
    expect(await settings(id)).toMatchObject({
      protocol: "v3",
      v2: null,
      v3: {
        apiV3Key: API_V3_KEY,
        serialNo: merchant.serialNo,
        privateKeyPem: merchant.privateKey,
      },
    });
    const { v3 } = await settings(id);
    expect(v3?.verifyKeys.toSorted((x, y) => (x.id > y.id ? -1 : 1))).toEqual([
      publicKey,
      certificateA,
    ]);
    const row = JSON.stringify(
      await env.DB.prepare("select * from merchants where id = ?").bind(id).first(),
    );
    expect(row).not.toMatch(/PRIVATE/);
    expect(row).not.toContain(API_V3_KEY);
  });

  test("accepts PEMs without line breaks, PKCS#1 and a lower-case serial number", async () => {
    const id = await createV3Merchant({
      merchantPrivateKey: merchant.pkcs1.replaceAll("\n", "\\n"),
      merchantSerialNo: merchant.serialNo.toLowerCase(),
      verifyKeys: [{ id: a.id.toLowerCase(), pem: a.certificate.replaceAll("\n", " ") }],
    });
    expect((await settings(id)).v3).toMatchObject({
      serialNo: merchant.serialNo,
      privateKeyPem: merchant.privateKey,
      verifyKeys: [certificateA],
    });
  });

  test("accepts merchantCertificate with or without merchantSerialNo", async () => {
    const merchantCertificate = merchant.certificate;
    const { merchantSerialNo: _, ...bare } = v3Body({ merchantCertificate });
    const answer = await sendAdmin("POST", PATH, { body: bare });
    expect(answer.json).toMatchObject({ merchantSerialNo: merchant.serialNo });
    await createV3Merchant({ merchantCertificate });
  });

  test("accepts APIv2 credentials too, for old orders", async () => {
    const id = await createV3Merchant({ apiKey: API_KEY });
    expect((await settings(id)).v2).toEqual({
      apiKey: API_KEY,
      signType: "MD5",
      certBinding: null,
    });
  });

  test("names every missing field", async () => {
    const answer = await sendAdmin("POST", PATH, { body: { protocol: "v3" } });
    const missing = ["name", "mchId", "apiV3Key", "merchantSerialNo", "merchantPrivateKey"];
    expect([answer.status, fieldErrors(answer)]).toEqual([
      400,
      Object.fromEntries(missing.map((path) => [path, "is required"])),
    ]);
  });

  const V3_KEY = "must be the APIv3 key: exactly 32 printable ASCII characters";
  const SERIAL = "must be the serial number of the merchant's API certificate: up to 40 hex digits";
  const PRIVATE = "must be an unencrypted RSA private key in PEM (apiclient_key.pem)";
  const KEY_ID =
    "must be a certificate's serial number in hex, or a public key's id (PUB_KEY_ID_…)";
  test.for<[string, unknown, string]>([
    ["apiV3Key", API_V3_KEY.slice(1), V3_KEY],
    ["apiV3Key", `密${API_V3_KEY.slice(3)}`, V3_KEY],
    ["apiV3Key", null, "must be a string"],
    ["merchantSerialNo", "xyz", SERIAL],
    ["merchantSerialNo", "", SERIAL],
    ["merchantPrivateKey", "-----BEGIN PRIVATE KEY-----", PRIVATE],
    ["merchantPrivateKey", merchant.certificate, PRIVATE],
    ["merchantPrivateKey", merchant.encrypted, PRIVATE],
    ["merchantPrivateKey", keys.short.privateKey, "must be an RSA key of at least 2048 bits"],
    ["merchantCertificate", merchant.publicKey, "must be one X.509 certificate in PEM"],
    ["merchantCertificate", keys.expired.certificate, "is an expired certificate"],
    ["verifyKeys", "PUB_KEY_ID_1", "must be a list of {id, pem}"],
    ["verifyKeys", [verifyKeys[0], verifyKeys[0]], "must not contain a key twice"],
    ["verifyKeys.0.id", [{ id: "PUBKEY", pem: "" }], KEY_ID],
    ["verifyKeys.0.pem", [{ id: publicKey.id }], "is required"],
    [
      "verifyKeys.0.pem",
      [{ id: publicKey.id, pem: a.certificate }],
      "must be WeChat Pay's RSA public key in PEM (pub_key.pem)",
    ],
    [
      "verifyKeys.1.pem",
      [verifyKeys[0], { id: a.id, pem: b.certificate }],
      "is a certificate with another serial number",
    ],
    [
      "verifyKeys.0.pem",
      [{ id: keys.expired.id, pem: keys.expired.certificate }],
      "is an expired certificate",
    ],
    ["verifyKeys.0.key", [{ ...verifyKeys[0], key: 1 }], "is not a field of this request"],
  ])("refuses the %s (case %#)", async ([path, value, fault]) => {
    const [field = ""] = path.split(".");
    const answer = await sendAdmin("POST", PATH, { body: v3Body({ [field]: value }) });
    expect([answer.status, fieldErrors(answer)[path]]).toEqual([400, fault]);
    expect(answer.text).not.toMatch(/[A-Za-z0-9+/]{50}/);
  });

  test("refuses a certificate that doesn't match private key and serial number", async () => {
    const foreign = v3Body({ merchantCertificate: a.certificate });
    expect(fieldErrors(await sendAdmin("POST", PATH, { body: foreign }))).toEqual({
      merchantSerialNo: "is not the serial number of merchantCertificate",
      merchantPrivateKey: "is not the private key of merchantCertificate",
    });
  });
});

const certificates = (apiV3Key: string) => () => {
  const data = [
    { serial_no: b.id, encrypt_certificate: seal(b.certificate, "certificate", apiV3Key) },
  ];
  const text = JSON.stringify({ data });
  return new Response(text, { headers: signedHeaders(text, { signer: b }) });
};

describe("verifyCredentials, new APIv3 credentials", () => {
  test("stores the platform certificates that WeChat returns", async () => {
    wechat = certificates(API_V3_KEY);
    const { v3 } = await settings(await createV3Merchant({ verifyKeys: undefined }));
    expect(v3?.verifyKeys.map(({ id }) => id)).toEqual([b.id]);
  });

  const REFUSED =
    "is refused by WeChat: it doesn't belong to merchantSerialNo, or neither belongs to this mchId";
  test.for<[string, () => Response, Record<string, string>]>([
    [
      "a private key that isn't the serial number's",
      () => Response.json({ code: "SIGN_ERROR", message: "签名错误" }, { status: 401 }),
      { merchantPrivateKey: REFUSED },
    ],
    [
      "an APIv3 key that opens nothing",
      certificates("x".repeat(32)),
      { apiV3Key: "doesn't decrypt this merchant's platform certificates" },
    ],
  ])("refuses %s on create and update", async ([, answer, expected]) => {
    wechat = answer;
    const refused = await sendAdmin("POST", PATH, { body: v3Body() });
    expect([refused.status, fieldErrors(refused)]).toEqual([400, expected]);
    wechat = () => new Response(null, { status: 502 });
    const id = await createV3Merchant();
    wechat = answer;
    const patched = await sendAdmin("PATCH", `${PATH}/${id}`, { body: credentials });
    expect([patched.status, fieldErrors(patched)]).toEqual([400, expected]);
  });

  test("requires a WeChat Pay public key for a merchant without certificates", async () => {
    const refused = await sendAdmin("POST", PATH, { body: v3Body({ verifyKeys: [] }) });
    expect(refused.status).toBe(400);
    expect(fieldErrors(refused)["verifyKeys"]).toContain("WeChat Pay public key must be entered");
  });

  test("accepts the credentials unverified when WeChat can't be reached or refuses access", async () => {
    wechat = () => {
      throw new TypeError("Network connection lost.");
    };
    await createV3Merchant();
    wechat = () => Response.json({ code: "NO_AUTH", message: "" }, { status: 403 });
    await createV3Merchant();
  });

  test("makes no call when the request has no credentials", async () => {
    const id = await createV3Merchant();
    vi.mocked(globalThis.fetch).mockClear();
    await sendAdmin("PATCH", `${PATH}/${id}`, { body: { name: "Renamed", verifyKeys } });
    expect(globalThis.fetch).not.toHaveBeenCalled();
  });
});

describe("PATCH /admin/merchants/:id, protocol v3", () => {
  test("switches a merchant to APIv3 once its credentials are stored, and back", async () => {
    const path = `${PATH}/${await createMerchant()}`;
    const incomplete = await sendAdmin("PATCH", path, { body: { protocol: "v3" } });
    expect([incomplete.status, Object.keys(fieldErrors(incomplete))]).toEqual([
      400,
      ["apiV3Key", "merchantSerialNo", "merchantPrivateKey"],
    ]);
    expect(
      (await sendAdmin("PATCH", path, { body: { ...credentials, verifyKeys } })).json,
    ).toMatchObject({
      protocol: "v2",
      verifyKeys: shownKeys,
    });
    const switched = await sendAdmin("PATCH", path, { body: { protocol: "v3" } });
    expect(switched.json).toMatchObject({ protocol: "v3", signType: "MD5" });
    expect((await sendAdmin("PATCH", path, { body: { protocol: "v2" } })).json).toMatchObject({
      protocol: "v2",
      merchantSerialNo: merchant.serialNo,
    });
  });

  test("switches to APIv3 and stores the credentials in one request", async () => {
    const path = `${PATH}/${await createMerchant()}`;
    const all = { protocol: "v3", ...credentials, verifyKeys };
    expect((await sendAdmin("PATCH", path, { body: all })).json).toMatchObject({ protocol: "v3" });
  });

  test("requires apiKey to switch to APIv2 and defaults the signature to MD5", async () => {
    const path = `${PATH}/${await createV3Merchant()}`;
    const incomplete = await sendAdmin("PATCH", path, { body: { protocol: "v2" } });
    expect([incomplete.status, fieldErrors(incomplete)]).toEqual([400, { apiKey: "is required" }]);
    const switched = await sendAdmin("PATCH", path, { body: { protocol: "v2", apiKey: API_KEY } });
    expect(switched.json).toMatchObject({ protocol: "v2", signType: "MD5" });
  });

  test("adds verifying keys to the existing ones and removes one by pem null", async () => {
    const id = await createV3Merchant();
    const path = `${PATH}/${id}`;
    await settings(id);
    const added = await sendAdmin("PATCH", path, {
      body: { verifyKeys: [{ id: b.id, pem: b.certificate }] },
    });
    const idsIn = (answer: typeof added) => JSON.stringify(fieldsOf(answer)["verifyKeys"]);
    for (const known of [publicKey.id, a.id, b.id]) expect(idsIn(added)).toContain(known);
    expect((await settings(id)).v3?.verifyKeys.map((key) => key.id)).toContain(b.id);
    const dropped = await sendAdmin("PATCH", path, {
      body: { verifyKeys: [{ id: a.id, pem: null }] },
    });
    expect(idsIn(dropped)).not.toContain(a.id);
    expect(idsIn(dropped)).toContain(b.id);
  });

  test("changes the merchant's serial number and private key only together", async () => {
    const id = await createV3Merchant();
    const path = `${PATH}/${id}`;
    const serialNo = "AB01";
    expect(
      fieldErrors(await sendAdmin("PATCH", path, { body: { merchantSerialNo: serialNo } })),
    ).toEqual({
      merchantPrivateKey: "is required with its certificate's serial number",
    });
    const { privateKey } = keys.otherMerchant;
    expect(
      fieldErrors(await sendAdmin("PATCH", path, { body: { merchantPrivateKey: privateKey } })),
    ).toEqual({
      merchantSerialNo: "is required with the private key",
    });
    const both = { merchantSerialNo: serialNo, merchantPrivateKey: privateKey };
    expect((await sendAdmin("PATCH", path, { body: both })).status).toBe(200);
    forgetSettings();
    expect((await settings(id)).v3).toMatchObject({ serialNo, privateKeyPem: privateKey });
  });
});
