import { describe, expect, it } from "vitest";
import {
  isSameSerial,
  isVerifyKeyId,
  readCertificate,
  readPrivateKey,
  readVerifyKey,
} from "../../src/wechat/keys.ts";
import { readPem, writePem } from "../../src/wechat/pem.ts";
import gcm from "../vectors/v3-aes-gcm.json";
import rsa from "../vectors/v3-rsa.json";
import { certificateA, certificateB, keys, publicKey } from "./v3/support/fixtures.ts";

const { merchant, certificateA: a, certificateB: b } = keys;

/** What becomes of a PEM on its way through forms, shells and environment variables. */
const DAMAGED: [string, (pem: string) => string][] = [
  ["as it is", (pem) => pem],
  ["with \\n for line breaks", (pem) => pem.replaceAll("\n", "\\n")],
  ["with \\r\\n for line breaks", (pem) => pem.replaceAll("\n", "\\r\\n")],
  ["with CRLF", (pem) => pem.replaceAll("\n", "\r\n")],
  ["with blanks for line breaks", (pem) => pem.replaceAll("\n", " ")],
  ["with no line breaks", (pem) => pem.replaceAll("\n", "")],
  ["in quotes and blanks", (pem) => `  "${pem}" `],
  ["without the last line break", (pem) => pem.trim()],
];

describe("a PEM", () => {
  it.each(DAMAGED)("is understood %s", (_name, damage) => {
    const block = readPem(damage(a.certificate));
    expect(block?.label).toBe("CERTIFICATE");
    expect(writePem("CERTIFICATE", block?.der ?? new Uint8Array())).toBe(a.certificate);
  });

  it.each([
    ["nothing", ""],
    ["two blocks", a.certificate + b.certificate],
    ["another end", a.certificate.replace("END CERTIFICATE", "END PUBLIC KEY")],
    ["no end", a.certificate.slice(0, -30)],
    ["no content", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"],
    ["bare base64", a.certificate.replaceAll(/-----[A-Z ]+-----/g, "")],
    ["a cut line", a.certificate.replace("=", "").replace("\n-----END", "A\n-----END")],
    ["a foreign character", a.certificate.replace("MII", "M*I")],
  ])("isn't %s", (_name, text) => {
    expect(readPem(text)).toBeNull();
  });
});

describe("a private key", () => {
  const value = { pem: merchant.privateKey, publicKeyPem: merchant.publicKey };

  it.each(DAMAGED)("is read %s", (_name, damage) => {
    expect(readPrivateKey(damage(merchant.privateKey))).toEqual({ ok: true, value });
    expect(readPrivateKey(damage(merchant.pkcs1))).toEqual({ ok: true, value });
  });

  const EXPECTED = "must be an unencrypted RSA private key in PEM (apiclient_key.pem)";
  it.each([
    ["a certificate", merchant.certificate, EXPECTED],
    ["a public key", merchant.publicKey, EXPECTED],
    ["an encrypted key", merchant.encrypted, EXPECTED],
    ["a cut key", merchant.privateKey.replace(/\n.{64}\n/, "\n"), EXPECTED],
    ["a text", "private key", EXPECTED],
    ["a key of 1024 bits", keys.short.privateKey, "must be an RSA key of at least 2048 bits"],
    ["a key of a curve", keys.ec.privateKey, "must be an RSA key of at least 2048 bits"],
  ])("isn't %s", (_name, text, error) => {
    expect(readPrivateKey(text)).toEqual({ ok: false, error });
  });
});

describe("a verifying key", () => {
  it.each(DAMAGED)("is read %s", (_name, damage) => {
    expect(readVerifyKey(publicKey.id, damage(keys.publicKey.publicKey))).toEqual({
      ok: true,
      value: publicKey,
    });
    expect(readVerifyKey(certificateA.id, damage(a.certificate))).toEqual({
      ok: true,
      value: certificateA,
    });
  });

  it("keeps its id to the letter, though tools leave out a zero in front", () => {
    expect(readVerifyKey(b.id, b.certificate)).toEqual({ ok: true, value: certificateB });
    const short = b.id.slice(1);
    expect(readVerifyKey(short, b.certificate)).toMatchObject({ value: { id: short } });
  });

  it("of the published download is read, with its dates", () => {
    const vector = gcm.vectors.find(({ serial_no }) => serial_no !== undefined);
    expect(readVerifyKey(vector?.serial_no ?? "", vector?.plaintext ?? "")).toMatchObject({
      value: {
        kind: "certificate",
        notBefore: Date.parse(vector?.effective_time ?? ""),
        notAfter: Date.parse(vector?.expire_time ?? ""),
      },
    });
  });

  const PUBLIC_KEY = "must be WeChat Pay's RSA public key in PEM (pub_key.pem)";
  const CERTIFICATE = "must be one X.509 certificate in PEM";
  const RSA = "must be an RSA key of at least 2048 bits";
  it.each([
    ["another certificate's", a.id, b.certificate, "is a certificate with another serial number"],
    ["a public key under a serial", a.id, a.publicKey, CERTIFICATE],
    ["a certificate under a public key's id", publicKey.id, a.certificate, PUBLIC_KEY],
    ["a private key", publicKey.id, merchant.privateKey, PUBLIC_KEY],
    ["a text", publicKey.id, "key", PUBLIC_KEY],
    ["another text", a.id, "certificate", CERTIFICATE],
    ["a cut certificate", a.id, a.certificate.replace(/\n.{64}\n/, "\n"), CERTIFICATE],
    ["a cut public key", publicKey.id, a.publicKey.replace(/\n.{64}\n/, "\n"), PUBLIC_KEY],
    ["a short key", publicKey.id, keys.short.publicKey, RSA],
    ["a curve's key", publicKey.id, keys.ec.publicKey, RSA],
  ])("isn't %s", (_name, id, pem, error) => {
    expect(readVerifyKey(id, pem)).toEqual({ ok: false, error });
  });
});

describe("a certificate", () => {
  it.each(
    rsa.vectors.flatMap(({ serial, certificate_pem: pem }) =>
      serial === undefined || pem === undefined ? [] : [{ serial, pem }],
    ),
  )("tells its serial number $serial as WeChat writes it", ({ serial, pem }) => {
    expect(readCertificate(pem)).toMatchObject({ value: { serialNo: serial } });
  });
});

it("knows serial numbers and ids of public keys by their form", () => {
  expect([a.id, publicKey.id, "PUB_KEY_ID_0"].every(isVerifyKeyId)).toBe(true);
  expect(
    ["", "x", a.id.toLowerCase(), `${a.id}0`, "PUB_KEY_ID_", "PUB_KEY_ID_1,2"].some(isVerifyKeyId),
  ).toBe(false);
});

it("takes serial numbers for the same whatever their zeros and letters", () => {
  expect(isSameSerial("00ab", "AB")).toBe(true);
  expect(isSameSerial("AB", "AC")).toBe(false);
});
