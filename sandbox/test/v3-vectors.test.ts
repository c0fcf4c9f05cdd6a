import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { encryptGcm } from "../src/v3/cipher.ts";
import {
  bridgeMessage,
  requestMessage,
  responseMessage,
  sign,
  verifySignature,
} from "../src/v3/sign.ts";
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

  test.each(pairs.map((vector) => [vector.name, vector] as const))(
    "signs and verifies the vector %s",
    (_name, vector) => {
      const {
        message = "",
        signature = "",
        private_key_pem: key = "",
        certificate_pem: pem,
      } = vector;
      expect(sign(message, key)).toBe(signature);
      expect(verifySignature(signature, message, certified(pem ?? ""))).toBe(true);
      expect(verifySignature(signature, `${message}.`, certified(pem ?? ""))).toBe(false);
      const otherKey = vector.negative?.public_key_pem;
      if (otherKey !== undefined) expect(verifySignature(signature, message, otherKey)).toBe(false);
    },
  );

  test("has two vectors", () => {
    expect(pairs).toHaveLength(2);
  });

  test("signs a request with a body", () => {
    const message = requestMessage({
      method: request.method ?? "",
      target: request.url ?? "",
      timestamp: request.timestamp ?? "",
      nonce: request.nonce_str ?? "",
      body: String(request.body),
    });
    expect(message).toBe(request.message);
    expect(sign(message, officialKey)).toBe(request.signature);
    expect(verifySignature(request.signature ?? "", message, publicOf(officialKey))).toBe(true);
  });

  test("signs a request without a body", () => {
    const vector = named(rsaVectors.vectors, "request signature, GET without body");
    const message = requestMessage({
      method: "GET",
      target: "/v3/refund/domestic/refunds/1217752501201407033233368018",
      timestamp: "1554208460",
      nonce: "593BEC0C930BF1AFEB40B4A08C8FB242",
      body: "",
    });
    expect(message).toBe(vector.message);
    expect(sign(message, officialKey)).toBe(vector.signature);
  });

  test("signs a paySign", () => {
    const vector = named(rsaVectors.vectors, "JSAPI/mini-program paySign");
    const [appId = "", timeStamp = "", nonceStr = "", packageText = ""] =
      vector.message?.split("\n") ?? [];
    const message = bridgeMessage(appId, timeStamp, nonceStr, packageText);
    expect(message).toBe(vector.message);
    expect(sign(message, officialKey)).toBe(vector.paySign);
  });

  test("signs the bare prepay_id for an app", () => {
    const vector = named(rsaVectors.vectors, "APP sign (prepay id without prefix)");
    expect(sign(vector.message ?? "", officialKey)).toBe(vector.sign);
  });

  test("verifies a response", () => {
    const vector = named(rsaVectors.vectors, "response signature verification");
    const headers: Record<string, string> = { ...vector.headers };
    const signature = headers["Wechatpay-Signature"] ?? "";
    const message = responseMessage(
      headers["Wechatpay-Timestamp"] ?? "",
      headers["Wechatpay-Nonce"] ?? "",
      String(vector.body),
    );
    const key = vector.public_key_pem ?? "";
    expect(verifySignature(signature, message, key)).toBe(true);
    expect(verifySignature(signature, `${message} `, key)).toBe(false);
  });

  test("ends every line of a message with LF", () => {
    const parts = { method: "6", target: "7", timestamp: "8", nonce: "9", body: "" };
    const layouts = named(rsaVectors.vectors, "message layouts");
    expect(requestMessage(parts)).toBe(layouts["request(6,7,8,9)"]);
    expect(responseMessage("9", "8", "")).toBe(layouts["response(9,8)"]);
  });

  test("readAuthorization accepts any order of fields, but checks their format", () => {
    const vector = named(
      rsaVectors.vectors,
      "Authorization header layout (order as in axios plugin)",
    );
    expect(readAuthorization(vector.header ?? "")).toEqual({
      ok: false,
      error: "timestamp is malformed",
    });
    const real = vector.header?.replace('timestamp="4"', 'timestamp="1554208460"');
    expect(readAuthorization(real ?? "")).toEqual({
      ok: true,
      value: { ...vector.args, timestamp: "1554208460" },
    });
  });

  test.each(["WECHATPAY/SIGNTEST/anything", "", "AAAA", "not base64!", "A"])(
    "verifySignature refuses %j without throwing",
    (signature) => {
      expect(verifySignature(signature, "message", publicOf(officialKey))).toBe(false);
    },
  );
});

describe("AES-GCM", () => {
  test.each(aesGcm.vectors.map((vector) => [vector.name, vector] as const))(
    "encrypts the vector %s",
    (_name, it) => {
      expect(encryptGcm(it.plaintext, it.key, it.associated_data, it.nonce)).toBe(it.ciphertext);
    },
  );

  test("depends on the key, the nonce and the associated data", () => {
    const it = named(aesGcm.vectors, "java AeadAesCipher");
    const others = [
      encryptGcm(it.plaintext, "x".repeat(32), it.associated_data, it.nonce),
      encryptGcm(it.plaintext, it.key, "bad-associatedData", it.nonce),
      encryptGcm(it.plaintext, it.key, it.associated_data, "bad-4a9R25RW"),
    ];
    expect(new Set([it.ciphertext, ...others]).size).toBe(4);
  });
});

describe("the published notification", () => {
  const vector = named(notify.vectors, "complete signed notification");
  const message = responseMessage(
    vector.headers["Wechatpay-Timestamp"],
    vector.headers["Wechatpay-Nonce"],
    vector.body,
  );
  const key = certified(vector.certificate_pem);

  test("has a signature over its raw body", () => {
    expect(verifySignature(vector.headers["Wechatpay-Signature"], message, key)).toBe(true);
    const mutated = message.replace("payscore", "payscorE");
    expect(verifySignature(vector.headers["Wechatpay-Signature"], mutated, key)).toBe(false);
  });

  test("has the same ciphertext", () => {
    const { resource } = JSON.parse(vector.body);
    const { associated_data: data, nonce, ciphertext } = resource;
    expect(encryptGcm(vector.decrypted, vector.apiv3_key, data, nonce)).toBe(ciphertext);
  });
});
