import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { gcm } from "../src/v3/cipher.ts";
import {
  bridgeMessage,
  replyMessage,
  requestMessage,
  signatureMatches,
  signMessage,
} from "../src/v3/signature.ts";
import { readAuthorization } from "../src/v3/authorization.ts";
import aesGcm from "./vectors/v3-aes-gcm.json";
import notify from "./vectors/v3-notify.json";
import rsaVectors from "./vectors/v3-rsa.json";

function named<T extends { name: string }>(vectors: readonly T[], name: string): T {
  const found = vectors.find((vector) => vector.name === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return found;
}

const publicOf = (privateKey: string): string =>
  createPublicKey(createPrivateKey(privateKey).export({ type: "pkcs8", format: "pem" }).toString())
    .export({ type: "spki", format: "pem" })
    .toString();

const certified = (pem: string): string =>
  new X509Certificate(pem).publicKey.export({ type: "spki", format: "pem" }).toString();

const request = named(rsaVectors.vectors, "request signature, POST with body");
const officialKey = request.private_key_pem ?? "";

describe("SHA256-RSA", () => {
  const pairs = rsaVectors.vectors.filter((vector) => vector.name.startsWith("SHA256"));

  test.each(pairs.map((vector) => [vector.name, vector] as const))("%s", (_name, vector) => {
    const {
      message = "",
      signature = "",
      private_key_pem: key = "",
      certificate_pem: pem,
    } = vector;
    expect(signMessage(message, key)).toBe(signature);
    expect(signatureMatches(signature, message, certified(pem ?? ""))).toBe(true);
    expect(signatureMatches(signature, `${message}.`, certified(pem ?? ""))).toBe(false);
    const stranger = vector.negative?.public_key_pem;
    if (stranger !== undefined) expect(signatureMatches(signature, message, stranger)).toBe(false);
  });

  test("there are two such vectors", () => {
    expect(pairs).toHaveLength(2);
  });

  test("a request with a body", () => {
    const message = requestMessage({
      method: request.method ?? "",
      target: request.url ?? "",
      timestamp: request.timestamp ?? "",
      nonce: request.nonce_str ?? "",
      body: String(request.body),
    });
    expect(message).toBe(request.message);
    expect(signMessage(message, officialKey)).toBe(request.signature);
    expect(signatureMatches(request.signature ?? "", message, publicOf(officialKey))).toBe(true);
  });

  test("a request without a body", () => {
    const vector = named(rsaVectors.vectors, "request signature, GET without body");
    const message = requestMessage({
      method: "GET",
      target: "/v3/refund/domestic/refunds/1217752501201407033233368018",
      timestamp: "1554208460",
      nonce: "593BEC0C930BF1AFEB40B4A08C8FB242",
      body: "",
    });
    expect(message).toBe(vector.message);
    expect(signMessage(message, officialKey)).toBe(vector.signature);
  });

  test("a page's paySign", () => {
    const vector = named(rsaVectors.vectors, "JSAPI/mini-program paySign");
    const [appId = "", timeStamp = "", nonceStr = "", packageText = ""] =
      vector.message?.split("\n") ?? [];
    const message = bridgeMessage(appId, timeStamp, nonceStr, packageText);
    expect(message).toBe(vector.message);
    expect(signMessage(message, officialKey)).toBe(vector.paySign);
  });

  test("an app's sign is over the bare prepay id", () => {
    const vector = named(rsaVectors.vectors, "APP sign (prepay id without prefix)");
    expect(signMessage(vector.message ?? "", officialKey)).toBe(vector.sign);
  });

  test("a reply", () => {
    const vector = named(rsaVectors.vectors, "response signature verification");
    const headers: Record<string, string> = { ...vector.headers };
    const signature = headers["Wechatpay-Signature"] ?? "";
    const message = replyMessage(
      headers["Wechatpay-Timestamp"] ?? "",
      headers["Wechatpay-Nonce"] ?? "",
      String(vector.body),
    );
    const key = vector.public_key_pem ?? "";
    expect(signatureMatches(signature, message, key)).toBe(true);
    expect(signatureMatches(signature, `${message} `, key)).toBe(false);
  });

  test("the layouts end each line, also the last", () => {
    const parts = { method: "6", target: "7", timestamp: "8", nonce: "9", body: "" };
    const layouts = named(rsaVectors.vectors, "message layouts");
    expect(requestMessage(parts)).toBe(layouts["request(6,7,8,9)"]);
    expect(replyMessage("9", "8", "")).toBe(layouts["response(9,8)"]);
  });

  test("the order of the fields of Authorization is free, their shape is not", () => {
    const vector = named(
      rsaVectors.vectors,
      "Authorization header layout (order as in axios plugin)",
    );
    expect(readAuthorization(vector.header)).toEqual({
      ok: false,
      issue: "timestamp is malformed",
    });
    const real = vector.header?.replace('timestamp="4"', 'timestamp="1554208460"');
    expect(readAuthorization(real)).toEqual({
      ok: true,
      authorization: { ...vector.args, timestamp: "1554208460" },
    });
  });

  test.each(["WECHATPAY/SIGNTEST/anything", "", "AAAA", "not base64!", "A"])(
    "%j is no signature, and nothing breaks",
    (signature) => {
      expect(signatureMatches(signature, "message", publicOf(officialKey))).toBe(false);
    },
  );
});

describe("AES-GCM", () => {
  test.each(aesGcm.vectors.map((vector) => [vector.name, vector] as const))("%s", (_name, it) => {
    expect(gcm(it.plaintext, it.key, it.associated_data, it.nonce)).toBe(it.ciphertext);
  });

  test("another key, nonce or associated data gives another text", () => {
    const it = named(aesGcm.vectors, "java AeadAesCipher");
    const others = [
      gcm(it.plaintext, "x".repeat(32), it.associated_data, it.nonce),
      gcm(it.plaintext, it.key, "bad-associatedData", it.nonce),
      gcm(it.plaintext, it.key, it.associated_data, "bad-4a9R25RW"),
    ];
    expect(new Set([it.ciphertext, ...others]).size).toBe(4);
  });
});

describe("a complete notification", () => {
  const vector = named(notify.vectors, "complete signed notification");
  const message = replyMessage(
    vector.headers["Wechatpay-Timestamp"],
    vector.headers["Wechatpay-Nonce"],
    vector.body,
  );
  const key = certified(vector.certificate_pem);

  test("is signed over its raw body", () => {
    expect(signatureMatches(vector.headers["Wechatpay-Signature"], message, key)).toBe(true);
    const mutated = message.replace("payscore", "payscorE");
    expect(signatureMatches(vector.headers["Wechatpay-Signature"], mutated, key)).toBe(false);
  });

  test("is encrypted as the sandbox encrypts", () => {
    const { resource } = JSON.parse(vector.body);
    const { associated_data: data, nonce, ciphertext } = resource;
    expect(gcm(vector.decrypted, vector.apiv3_key, data, nonce)).toBe(ciphertext);
  });
});
