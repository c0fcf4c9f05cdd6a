/**
 * Requests signed by npm `http-message-signatures`: the implementation that an app on Node.js is most
 * likely to use. Of the maintained ones it alone is past 1.0 and signs with both algorithms by its
 * own code, so that nothing of ours takes part in the signature.
 */
import { Buffer } from "node:buffer";
import { createSigner, createVerifier, httpbis } from "http-message-signatures";
import { describe, expect, test } from "vitest";
import { verifyRequestSignature } from "../../../src/contract/request-signature/verify.ts";
import {
  contentDigest,
  ED25519_PRIVATE,
  ED25519_PUBLIC,
  HMAC_SECRET,
  KEYS,
  NOW_S,
  REQUIRED,
  signed,
} from "./support.ts";

const url = "https://gateway.test/api/create-order?from=app";
const body = Buffer.from("appId=1&desc=%E6%B5%8B%E8%AF%95");
const at = (seconds: number) => new Date(seconds * 1000);

const signers = {
  ed25519: createSigner(ED25519_PRIVATE, "ed25519", "app-1"),
  "hmac-sha256": createSigner(Buffer.from(HMAC_SECRET, "base64"), "hmac-sha256", "app-2"),
};

const unsigned = {
  method: "POST",
  url,
  headers: {
    Host: "gateway.test",
    "Content-Type": "application/x-www-form-urlencoded",
    "Content-Digest": contentDigest(body),
  } as Record<string, string | string[]>,
};

function received(headers: Record<string, string | string[]>) {
  const lines = Object.entries(headers).map(([name, value]): [string, string] => [
    name,
    [value].flat().join(", "),
  ]);
  return {
    method: "POST",
    target: "/api/create-order?from=app",
    headers: new Headers(lines),
    body,
    publicUrl: "https://gateway.test",
  };
}

describe.each(["ed25519", "hmac-sha256"] as const)("http-message-signatures, %s", (algorithm) => {
  const config = {
    key: signers[algorithm],
    name: "app",
    fields: [...REQUIRED, "@query", "@target-uri", "@scheme", "@request-target"],
    params: ["created", "expires", "nonce", "keyid", "alg", "tag"],
    paramValues: {
      created: at(NOW_S - 2),
      expires: at(NOW_S + 100),
      nonce: "b3k2pp5k7z-50gnwp.yemd",
      tag: "wechat-pay-gateway",
    },
  };

  test("its signature is accepted, alone and next to another", async () => {
    const once = await httpbis.signMessage(config, unsigned);
    const accepted = { ok: true, value: { keyId: signers[algorithm].id } };
    expect(await verifyRequestSignature(received(once.headers), KEYS, NOW_S * 1000)).toEqual(
      accepted,
    );
    const other = { ...config, name: "proxy", paramValues: { ...config.paramValues, tag: "p" } };
    const twice = await httpbis.signMessage(other, once);
    expect(await verifyRequestSignature(received(twice.headers), KEYS, NOW_S * 1000)).toEqual(
      accepted,
    );
  });

  test("its signature for another authority is refused", async () => {
    const elsewhere = await httpbis.signMessage(config, {
      ...unsigned,
      url: url.replace("gateway", "gateway-qa"),
    });
    const result = await verifyRequestSignature(received(elsewhere.headers), KEYS, NOW_S * 1000);
    expect(result).toEqual({ ok: false, error: { kind: "wrong-signature" } });
  });

  test("it accepts what the tests' own helper signs", async () => {
    const request = signed({ algorithm, target: "/api/create-order?from=app", body });
    const verify = createVerifier(
      algorithm === "ed25519" ? ED25519_PUBLIC : Buffer.from(HMAC_SECRET, "base64"),
      algorithm,
    );
    expect(
      await httpbis.verifyMessage(
        {
          keyLookup: async () => await Promise.resolve({ verify }),
          // The library reads the clock itself; the test's time is fixed.
          tolerance: 10 * 365 * 24 * 3600,
        },
        { method: request.method, url, headers: Object.fromEntries(request.headers) },
      ),
    ).toBe(true);
  });
});
