import { describe, expect, test } from "vitest";
import { readVerifyKey } from "../../../src/wechat/keys.ts";
import { verify } from "../../../src/wechat/v3/verify.ts";
import type { VerifyKey } from "../../../src/wechat/types.ts";
import notifications from "../../vectors/v3-notify.json";
import rsa from "../../vectors/v3-rsa.json";
import { certificateA, keys, publicKey } from "./support/fixtures.ts";
import { signedHeaders, type Signing } from "./support/messages.ts";

const NOW_S = 1_790_000_000;
const BODY = '{"a":"中文"}';
const KEYS: readonly VerifyKey[] = [publicKey, certificateA];

const headersOf = (signing: Signing = {}, body = BODY) =>
  signedHeaders(body, { timestamp: NOW_S, ...signing });

/** `ok`, or the kind of the error. */
async function kindOf(
  headers: HeadersInit,
  body: string | Uint8Array = BODY,
  known = KEYS,
  nowAt = NOW_S * 1000,
): Promise<string> {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const verified = await verify(
    { headers: new Headers(headers), body: bytes },
    async (id) => known.find((key) => key.id === id) ?? null,
    nowAt,
  );
  return verified.ok ? "ok" : verified.error.kind;
}

function without(headers: Record<string, string>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([field]) => field !== name));
}

describe("verify", () => {
  test.each([
    ["a public key", keys.publicKey],
    ["a certificate beside it", keys.certificateA],
  ])("accepts a signature by %s", async (_name, signer) => {
    expect(await kindOf(headersOf({ signer }))).toBe("ok");
  });

  test("accepts the empty body of a 204", async () => {
    expect(await kindOf(headersOf({}, ""), "")).toBe("ok");
  });

  test("accepts the documented signature type only", async () => {
    const name = "Wechatpay-Signature-Type";
    expect(await kindOf({ ...headersOf(), [name]: "WECHATPAY2-SHA256-RSA2048" })).toBe("ok");
    expect(await kindOf({ ...headersOf(), [name]: "WECHATPAY2-SM2-WITH-SM3" })).toBe("unsigned");
    expect(await kindOf({ ...headersOf(), [name]: "" })).toBe("unsigned");
  });

  test("reads header names in any case", async () => {
    const lower = Object.entries(headersOf()).map(([name, value]) => [name.toLowerCase(), value]);
    expect(await kindOf(Object.fromEntries(lower))).toBe("ok");
  });

  const NAMES = [
    "Wechatpay-Timestamp",
    "Wechatpay-Nonce",
    "Wechatpay-Serial",
    "Wechatpay-Signature",
  ] as const;

  describe.each(NAMES)("verify, a %s that is", (name) => {
    const valid = headersOf();
    const value = valid[name] ?? "";

    test.each<[string, () => HeadersInit]>([
      ["missing", () => without(valid, name)],
      ["empty", () => ({ ...valid, [name]: "" })],
      ["a space", () => ({ ...valid, [name]: " " })],
      ["doubled", () => [...Object.entries(valid), [name, value]]],
      ["followed by another", () => [...Object.entries(valid), [name, "x"]]],
      ["preceded by another", () => [[name, "x"], ...Object.entries(valid)]],
      ["doubled with a comma", () => ({ ...valid, [name]: `${value},${value}` })],
      ["malformed", () => ({ ...valid, [name]: "x y" })],
    ])("refuses it when %s", async (_how, headers) => {
      expect(await kindOf(headers())).toBe("unsigned");
    });
  });

  test.each([
    "0",
    "-1",
    "1.79e9",
    "1790000000.0",
    "0x6ab13b80",
    "+1790000000",
    "179000000",
    "17900000000",
  ])("refuses the timestamp %s", async (timestamp) => {
    expect(await kindOf({ ...headersOf(), "Wechatpay-Timestamp": timestamp })).toBe("unsigned");
  });

  test.each([
    [0, "ok"],
    [299, "ok"],
    [-299, "ok"],
    [300, "stale"],
    [-300, "stale"],
    [301, "stale"],
    [-301, "stale"],
    [86_400, "stale"],
  ])("for a clock %i s ahead, returns %s", async (ahead, kind) => {
    const nowAt = (NOW_S + ahead) * 1000;
    expect(await kindOf(headersOf(), BODY, KEYS, nowAt)).toBe(kind);
  });

  test("compares whole seconds, as the official SDK does", async () => {
    expect(await kindOf(headersOf(), BODY, KEYS, (NOW_S + 299) * 1000 + 999)).toBe("ok");
  });

  test.each([
    "WECHATPAY/SIGNTEST/",
    "WECHATPAY/SIGNTEST/x",
    "WECHATPAY/SIGNTEST/not base64 at all%",
  ])("recognises the probe %s", async (signature) => {
    expect(await kindOf({ ...headersOf(), "Wechatpay-Signature": signature })).toBe("probe");
  });

  test.each(["x", "****", "AAA", "AAAA=", "A".repeat(5)])(
    "refuses the malformed signature %s",
    async (signature) => {
      expect(await kindOf({ ...headersOf(), "Wechatpay-Signature": signature })).toBe("unsigned");
    },
  );

  test.each<[string, () => Record<string, string>]>([
    ["of another length", () => ({ ...headersOf(), "Wechatpay-Signature": "AAAA" })],
    ["of another body", () => headersOf({}, `${BODY} `)],
    [
      "of another key under this id",
      () => headersOf({ signer: { ...keys.publicKey, privateKey: keys.certificateA.privateKey } }),
    ],
    ["of another time", () => ({ ...headersOf(), "Wechatpay-Timestamp": String(NOW_S + 1) })],
    ["of another nonce", () => ({ ...headersOf(), "Wechatpay-Nonce": "x" })],
    ["under another known id", () => ({ ...headersOf(), "Wechatpay-Serial": certificateA.id })],
  ])("refuses a signature %s", async (_name, headers) => {
    expect(await kindOf(headers())).toBe("wrong-signature");
  });

  test("verifies the received bytes, not their meaning", async () => {
    const same = new TextEncoder().encode(BODY.replace(":", ": "));
    expect(await kindOf(headersOf(), same)).toBe("wrong-signature");
    const invalid = new Uint8Array([0xff, 0xfe, 0x00]);
    expect(await kindOf(headersOf(), invalid)).toBe("wrong-signature");
  });

  test.each([
    ["unknown", "PUB_KEY_ID_2"],
    ["in lower case", certificateA.id.toLowerCase()],
    ["truncated", certificateA.id.slice(0, -1)],
  ])("finds no key for an id that is %s", async (_name, id) => {
    expect(await kindOf(headersOf({ signer: { ...keys.certificateA, id } }))).toBe("unknown-key");
  });

  test("accepts a certificate within its dates only", async () => {
    const nowAt = NOW_S * 1000;
    const headers = headersOf({ signer: keys.certificateA });
    const kindWith = async (notBefore: number, notAfter: number) =>
      await kindOf(headers, BODY, [{ ...certificateA, notBefore, notAfter }]);
    expect(await kindWith(nowAt, nowAt)).toBe("ok");
    expect(await kindWith(nowAt + 1, nowAt + 2)).toBe("unknown-key");
    expect(await kindWith(nowAt - 2, nowAt - 1)).toBe("unknown-key");
  });
});

describe("verify, published notification", () => {
  const [vector] = notifications.vectors;
  if (vector === undefined) throw new Error("no vector");
  const { headers, body } = vector;
  const id = headers["Wechatpay-Serial"];
  const key = readVerifyKey(id, vector.certificate_pem);
  if (!key.ok) throw new Error(key.error);
  const known = [key.value];
  const nowAt = vector.now_epoch_s * 1000;

  test("accepts the example", async () => {
    expect(await kindOf(headers, body, known, nowAt)).toBe("ok");
  });

  test("refuses the example with a byte changed", async () => {
    const bytes = new TextEncoder().encode(body);
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = bytes.with(at, (bytes[at] ?? 0) ^ 1);
      expect(await kindOf(headers, changed, known, nowAt)).toBe("wrong-signature");
    }
    expect(await kindOf(headers, bytes.subarray(0, -1), known, nowAt)).toBe("wrong-signature");
  });

  test("refuses the example 301 s later, under another id, or as a probe", async () => {
    expect(await kindOf(headers, body, known, nowAt + 301_000)).toBe("stale");
    expect(await kindOf({ ...headers, "Wechatpay-Serial": "X" }, body, known, nowAt)).toBe(
      "unknown-key",
    );
    const probe = { ...headers, "Wechatpay-Signature": "WECHATPAY/SIGNTEST/x" };
    expect(await kindOf(probe, body, known, nowAt)).toBe("probe");
  });
});

describe("verify, published answers", () => {
  test("accepts an answer with its published key", async () => {
    const vector = rsa.vectors.find(({ name }) => name === "response signature verification");
    const id = "PUB_KEY_ID_1";
    const key = readVerifyKey(id, vector?.public_key_pem ?? "");
    if (!key.ok || vector?.headers === undefined) throw new Error("no vector");
    const headers = Object.entries({ ...vector.headers, "Wechatpay-Serial": id });
    const published = Object.fromEntries(headers.map(([name, value]) => [name, value ?? ""]));
    const nowAt = 1_722_850_421_000;
    expect(await kindOf(published, vector.body, [key.value], nowAt)).toBe("ok");
    expect(await kindOf(published, `${vector.body} `, [key.value], nowAt)).toBe("wrong-signature");
    expect(await kindOf(published, vector.body, [{ ...publicKey, id }], nowAt)).toBe(
      "wrong-signature",
    );
  });
});
