import { env } from "cloudflare:workers";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import demoCertificate from "../../sandbox/keys/demo-merchant.cert.pem?raw";
import demoPrivateKey from "../../sandbox/keys/demo-merchant.key.pem?raw";
import platformCertificate from "../../sandbox/keys/platform-1.cert.pem?raw";
import platformPrivateKey from "../../sandbox/keys/platform-1.key.pem?raw";
import sandboxPublicKey from "../../sandbox/keys/wechatpay-public.pem?raw";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { connect } from "../../src/db/database.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { readMerchant } from "../support/settings.ts";
import { API_V3_KEY, keys } from "../wechat/v3/support/fixtures.ts";
import { seal, signedHeaders } from "../wechat/v3/support/messages.ts";
import rsa from "../vectors/v3-rsa.json";
import { ED25519_PUBLIC } from "../contract/request-signature/support.ts";
import {
  appBody,
  createMerchant,
  fieldErrors,
  fieldOf,
  merchantBody,
  sendAdmin,
} from "./support.ts";

const PUBLISHED = "is published: it is accepted in development only";
const PATTERNED = "must be random: this one repeats itself or counts";
const KNOWN_KEY = "is a published test key, with which anyone can sign: for development only";
const PLATFORM_ID = "5A4DB0C1000000000000000000000000000000A1";
const PUBLIC_KEY_ID = "PUB_KEY_ID_0119000001092024010100000000000001";

const { merchant } = keys;
const OWN = {
  apiV3Key: API_V3_KEY,
  merchantSerialNo: merchant.serialNo,
  merchantPrivateKey: merchant.privateKey,
};

let wechat: () => Response;

beforeEach(() => {
  wechat = () => Response.json({ code: "NO_AUTH", message: "" }, { status: 403 });
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => wechat());
  for (const level of ["info", "warn", "error"] as const)
    vi.spyOn(console, level).mockReturnValue();
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** How a PEM may be pasted. */
const PASTED: [string, (pem: string) => string][] = [
  ["as it is", (pem) => pem],
  ["with CRLF", (pem) => pem.replaceAll("\n", "\r\n")],
  ["with \\n for line breaks", (pem) => pem.replaceAll("\n", "\\n")],
  ["in one line", (pem) => pem.replaceAll("\n", "")],
];

const spki = (certificate: string) =>
  String(new X509Certificate(certificate).publicKey.export({ format: "pem", type: "spki" }));
const pkcs1 = (privateKey: string) =>
  String(createPrivateKey(privateKey).export({ format: "pem", type: "pkcs1" }));
const publicHalf = (privateKey: string) =>
  String(createPublicKey(privateKey).export({ format: "pem", type: "spki" }));

describe.for(["qa", "production"] as const)("published and weak material in %s", (environment) => {
  /** Sends a new merchant's credentials, and the same as changes to an existing merchant. */
  async function refusals(fields: object): Promise<Record<string, string>[]> {
    const created = await sendAdmin("POST", "/admin/merchants", {
      body: { ...merchantBody(), ...fields },
      environment,
    });
    const path = `/admin/merchants/${await createMerchant()}`;
    const changed = await sendAdmin("PATCH", path, { body: fields, environment });
    expect([created.status, changed.status]).toEqual([400, 400]);
    return [fieldErrors(created), fieldErrors(changed)];
  }

  test.for([
    ["apiKey", "sandbox0api0key0of0thirtytwo0chr", PUBLISHED],
    ["apiKey", "SANDBOX0API0KEY0OF0THIRTYTWO0CHR", PUBLISHED],
    ["apiKey", "sandbox0apiv3key0of0thirtytwo0ch", PUBLISHED],
    ["apiKey", "192006250b4c09247ec02edce69f6a2d", PUBLISHED],
    ["apiKey", "992a7f0b35d90fa9d45fe7a669414fbb", PUBLISHED],
    ["apiKey", "k".repeat(32), PATTERNED],
    ["apiKey", "abcd".repeat(8), PATTERNED],
    ["apiV3Key", "sandbox0apiv3key0of0thirtytwo0ch", PUBLISHED],
    ["apiV3Key", "sandbox0api0key0of0thirtytwo0chr", PUBLISHED],
    ["apiV3Key", "development-master-key-32-bytes!", PUBLISHED],
    ["apiV3Key", "0".repeat(32), PATTERNED],
    ["apiV3Key", "12345678".repeat(4), PATTERNED],
  ] as const)("refuses %s %s", async ([field, value, fault]) => {
    const others = field === "apiV3Key" ? OWN : {};
    const expected = { [field]: fault };
    expect(await refusals({ ...others, [field]: value })).toEqual([expected, expected]);
  });

  test.for(PASTED)("refuses the sandbox's private keys %s", async ([, paste]) => {
    const expected = { merchantPrivateKey: KNOWN_KEY };
    for (const key of [demoPrivateKey, platformPrivateKey, rsa.vectors[0]?.private_key_pem ?? ""]) {
      for (const merchantPrivateKey of [paste(key), paste(pkcs1(key))]) {
        const found = await refusals({ ...OWN, merchantPrivateKey });
        expect(found).toEqual([expected, expected]);
      }
    }
  });

  test("refuses the demo merchant's certificate", async () => {
    const [created] = await refusals({ ...OWN, merchantCertificate: demoCertificate });
    expect(created).toMatchObject({ merchantCertificate: KNOWN_KEY });
  });

  test.for(PASTED)("refuses the sandbox's verifying keys %s", async ([, paste]) => {
    const expected = { "verifyKeys.0.pem": KNOWN_KEY };
    for (const key of [
      { id: PLATFORM_ID, pem: platformCertificate },
      // The certificate's key under the id of a public key, and keys that sign something else.
      { id: "PUB_KEY_ID_1", pem: spki(platformCertificate) },
      { id: PUBLIC_KEY_ID, pem: sandboxPublicKey },
      { id: "PUB_KEY_ID_2", pem: spki(demoCertificate) },
      { id: "PUB_KEY_ID_3", pem: publicHalf(platformPrivateKey) },
      { id: "PUB_KEY_ID_4", pem: publicHalf(rsa.vectors[1]?.private_key_pem ?? "") },
    ]) {
      const verifyKeys = [{ ...key, pem: paste(key.pem) }];
      expect(await refusals({ ...OWN, verifyKeys })).toEqual([expected, expected]);
    }
  });

  test("refuses platform certificates that a sandbox at WECHAT_PAY_URL lists", async () => {
    wechat = sandboxCertificates;
    const expected = {
      verifyKeys: "can't be fetched: the server at WECHAT_PAY_URL signs with a published test key",
    };
    expect(await refusals(OWN)).toEqual([expected, expected]);
  });

  test.for([
    ["fifteen-charact", "must have at least 16 characters"],
    ["aaaaaaaabbbbbbbb", "must have at least 8 different characters"],
    ["x".repeat(128), "must have at least 8 different characters"],
    ["992a7f0b35d90fa9d45fe7a669414fbb", PUBLISHED],
    ["992A7F0B35D90FA9D45FE7A669414FBB", PUBLISHED],
    ["a5a0d0135f4486d0e0cb933434dee3d2", PUBLISHED],
    ["development-admin-token", PUBLISHED],
    ["sandbox0api0key0of0thirtytwo0chr", PUBLISHED],
  ] as const)("refuses the salt %s", async ([salt, fault]) => {
    const body = { ...appBody(await createMerchant()), salt };
    const answer = await sendAdmin("POST", "/admin/apps", { body, environment });
    expect([answer.status, fieldErrors(answer)]).toEqual([400, { salt: fault }]);
    expect((await sendAdmin("POST", "/admin/apps", { body })).status).toBe(201);
  });

  test("accepts a salt of 16 characters, 8 of them different", async () => {
    const body = { ...appBody(await createMerchant()), salt: "abcdefghabcdefgh" };
    expect((await sendAdmin("POST", "/admin/apps", { body, environment })).status).toBe(201);
  });

  test("refuses a published Ed25519 key for request signatures, with or without line breaks", async () => {
    const body = { ...appBody(await createMerchant()) };
    const id = fieldOf(await sendAdmin("POST", "/admin/apps", { body }), "id");
    const path = `/admin/apps/${id}/request-keys`;
    for (const publicKeyPem of [ED25519_PUBLIC, ED25519_PUBLIC.replaceAll("\n", "")]) {
      const key = { algorithm: "ed25519", publicKeyPem };
      const answer = await sendAdmin("POST", path, { body: key, environment });
      expect([answer.status, fieldErrors(answer)]).toEqual([400, { publicKeyPem: KNOWN_KEY }]);
      expect((await sendAdmin("POST", path, { body: key })).status).toBe(201);
    }
  });

  test("accepts keys of one's own", async () => {
    const body = {
      ...merchantBody(),
      ...OWN,
      verifyKeys: [{ id: keys.publicKey.id, pem: keys.publicKey.publicKey }],
    };
    expect((await sendAdmin("POST", "/admin/merchants", { body, environment })).status).toBe(201);
  });

  test("ignores a published verifying key that is stored already", async () => {
    const errors = vi.spyOn(console, "error").mockReturnValue();
    const id = await createV3Merchant();
    const masterKey = await importMasterKey(env.MASTER_KEY);
    const read = async (where: "development" | typeof environment) => {
      forgetSettings();
      const found = await readMerchant(connect(env.DB), masterKey, id, Date.now(), where);
      return found.ok ? found.value.v3?.verifyKeys.map((key) => key.id).toSorted() : found;
    };
    expect(await read("development")).toEqual([PLATFORM_ID, keys.publicKey.id]);
    expect(await read(environment)).toEqual([keys.publicKey.id]);
    expect(errors.mock.calls.join()).toContain("verify_key_published");
  });
});

test("published and weak material is accepted in development", async () => {
  const id = await createV3Merchant();
  const body = { apiKey: "192006250b4c09247ec02edce69f6a2d" };
  expect((await sendAdmin("PATCH", `/admin/merchants/${id}`, { body })).status).toBe(200);
});

async function createV3Merchant(): Promise<number> {
  const answer = await sendAdmin("POST", "/admin/merchants", {
    body: {
      ...merchantBody(),
      apiV3Key: "sandbox0apiv3key0of0thirtytwo0ch",
      merchantCertificate: demoCertificate,
      merchantPrivateKey: demoPrivateKey,
      verifyKeys: [
        { id: PLATFORM_ID, pem: platformCertificate },
        { id: keys.publicKey.id, pem: keys.publicKey.publicKey },
      ],
    },
  });
  expect(answer.status).toBe(201);
  return Number(fieldOf(answer, "id"));
}

/** The answer of a sandbox that knows the merchant's own keys. */
function sandboxCertificates(): Response {
  const sealed = seal(platformCertificate, "certificate", API_V3_KEY);
  const text = JSON.stringify({ data: [{ serial_no: PLATFORM_ID, encrypt_certificate: sealed }] });
  const signer = { id: PLATFORM_ID, privateKey: platformPrivateKey };
  return new Response(text, { headers: signedHeaders(text, { signer }) });
}
