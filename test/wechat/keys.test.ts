import { describe, expect, test } from "vitest";
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

/** Changes to a PEM by forms, shells and environment variables. */
const DAMAGED: [string, (pem: string) => string][] = [
  ["unchanged", (pem) => pem],
  ["with \\n for line breaks", (pem) => pem.replaceAll("\n", "\\n")],
  ["with \\r\\n for line breaks", (pem) => pem.replaceAll("\n", "\\r\\n")],
  ["with CRLF", (pem) => pem.replaceAll("\n", "\r\n")],
  ["with spaces for line breaks", (pem) => pem.replaceAll("\n", " ")],
  ["with no line breaks", (pem) => pem.replaceAll("\n", "")],
  ["in quotes and spaces", (pem) => `  "${pem}" `],
  ["without the last line break", (pem) => pem.trim()],
];

describe("readPem", () => {
  test.each(DAMAGED)("reads a PEM %s", (_name, damage) => {
    const block = readPem(damage(a.certificate));
    expect(block?.label).toBe("CERTIFICATE");
    expect(writePem("CERTIFICATE", block?.der ?? new Uint8Array())).toBe(a.certificate);
  });

  test.each([
    ["nothing", ""],
    ["two blocks", a.certificate + b.certificate],
    ["another end", a.certificate.replace("END CERTIFICATE", "END PUBLIC KEY")],
    ["no end", a.certificate.slice(0, -30)],
    ["no content", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"],
    ["bare base64", a.certificate.replaceAll(/-----[A-Z ]+-----/g, "")],
    ["a truncated line", a.certificate.replace("=", "").replace("\n-----END", "A\n-----END")],
    ["an invalid character", a.certificate.replace("MII", "M*I")],
  ])("refuses %s", (_name, text) => {
    expect(readPem(text)).toBeNull();
  });
});

describe("readPrivateKey", () => {
  const value = { pem: merchant.privateKey, publicKeyPem: merchant.publicKey };

  test.each(DAMAGED)("reads a key %s", (_name, damage) => {
    expect(readPrivateKey(damage(merchant.privateKey))).toEqual({ ok: true, value });
    expect(readPrivateKey(damage(merchant.pkcs1))).toEqual({ ok: true, value });
  });

  const EXPECTED = "must be an unencrypted RSA private key in PEM (apiclient_key.pem)";
  test.each([
    ["a certificate", merchant.certificate, EXPECTED],
    ["a public key", merchant.publicKey, EXPECTED],
    ["an encrypted key", merchant.encrypted, EXPECTED],
    ["a truncated key", merchant.privateKey.replace(/\n.{64}\n/, "\n"), EXPECTED],
    ["a text", "private key", EXPECTED],
    ["a key of 1024 bits", keys.short.privateKey, "must be an RSA key of at least 2048 bits"],
    ["an elliptic curve key", keys.ec.privateKey, "must be an RSA key of at least 2048 bits"],
  ])("refuses %s", (_name, text, error) => {
    expect(readPrivateKey(text)).toEqual({ ok: false, error });
  });
});

describe("readVerifyKey", () => {
  test.each(DAMAGED)("reads a key %s", (_name, damage) => {
    expect(readVerifyKey(publicKey.id, damage(keys.publicKey.publicKey))).toEqual({
      ok: true,
      value: publicKey,
    });
    expect(readVerifyKey(certificateA.id, damage(a.certificate))).toEqual({
      ok: true,
      value: certificateA,
    });
  });

  test("keeps the id exactly, although tools omit a leading zero", () => {
    expect(readVerifyKey(b.id, b.certificate)).toEqual({ ok: true, value: certificateB });
    const short = b.id.slice(1);
    expect(readVerifyKey(short, b.certificate)).toMatchObject({ value: { id: short } });
  });

  test("reads the published certificate with its dates", () => {
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
  test.each([
    ["another certificate's", a.id, b.certificate, "is a certificate with another serial number"],
    ["a public key under a serial", a.id, a.publicKey, CERTIFICATE],
    ["a certificate under a public key's id", publicKey.id, a.certificate, PUBLIC_KEY],
    ["a private key", publicKey.id, merchant.privateKey, PUBLIC_KEY],
    ["a text", publicKey.id, "key", PUBLIC_KEY],
    ["another text", a.id, "certificate", CERTIFICATE],
    ["a truncated certificate", a.id, a.certificate.replace(/\n.{64}\n/, "\n"), CERTIFICATE],
    ["a truncated public key", publicKey.id, a.publicKey.replace(/\n.{64}\n/, "\n"), PUBLIC_KEY],
    ["a short key", publicKey.id, keys.short.publicKey, RSA],
    ["an elliptic curve key", publicKey.id, keys.ec.publicKey, RSA],
  ])("refuses %s", (_name, id, pem, error) => {
    expect(readVerifyKey(id, pem)).toEqual({ ok: false, error });
  });
});

describe("readCertificate", () => {
  test.each(
    rsa.vectors.flatMap(({ serial, certificate_pem: pem }) =>
      serial === undefined || pem === undefined ? [] : [{ serial, pem }],
    ),
  )("returns the serial number $serial as WeChat writes it", ({ serial, pem }) => {
    expect(readCertificate(pem)).toMatchObject({ value: { serialNo: serial } });
  });
});

test("isVerifyKeyId accepts serial numbers and ids of public keys only", () => {
  expect([a.id, publicKey.id, "PUB_KEY_ID_0"].every(isVerifyKeyId)).toBe(true);
  expect(
    ["", "x", a.id.toLowerCase(), `${a.id}0`, "PUB_KEY_ID_", "PUB_KEY_ID_1,2"].some(isVerifyKeyId),
  ).toBe(false);
});

test("isSameSerial ignores leading zeros and case", () => {
  expect(isSameSerial("00ab", "AB")).toBe(true);
  expect(isSameSerial("AB", "AC")).toBe(false);
});
