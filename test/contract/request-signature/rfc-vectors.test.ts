import { createHmac, createPublicKey, verify as verifyInNode } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  readComponents,
  signatureBase,
  type RequestMessage,
} from "../../../src/contract/request-signature/components.ts";
import { checkContentDigest } from "../../../src/contract/request-signature/content-digest.ts";
import {
  importRequestKey,
  verifyWith,
} from "../../../src/contract/request-signature/request-key.ts";
import {
  decodeBase64,
  parseDictionary,
} from "../../../src/contract/request-signature/structured-fields.ts";
import { contentDigest, ED25519_PUBLIC } from "./support.ts";

/** RFC 9421, B.2: test-request. */
const request = {
  method: "POST",
  target: "/foo?param=Value&Pet=dog",
  publicUrl: "https://example.com",
  headers: new Headers({
    host: "example.com",
    date: "Tue, 20 Apr 2021 02:07:55 GMT",
    "content-type": "application/json",
    "content-digest":
      "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
    "content-length": "18",
  }),
};

/** RFC 9421, B.2.5. */
const hmac = {
  input: '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
  base: `"date": Tue, 20 Apr 2021 02:07:55 GMT
"@authority": example.com
"content-type": application/json
"@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"`,
  signature: "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=",
  /** B.1.5: test-shared-secret, 64 bytes. */
  secret:
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==",
};

/** RFC 9421, B.2.6, with B.1.4's test-key-ed25519. */
const ed25519 = {
  input:
    '("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
  base: `"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`,
  signature:
    "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
};

function innerList(text: string) {
  const member = parseDictionary(`sig=${text}`)?.get("sig");
  if (member?.kind !== "inner-list") throw new Error(`${text} isn't an inner list`);
  return member;
}

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  const decoded = decodeBase64(base64);
  if (decoded === null) throw new Error("not base64");
  return decoded;
}

describe("the vectors as transcribed", () => {
  test("verify with node:crypto", () => {
    const secret = Buffer.from(hmac.secret, "base64");
    expect(createHmac("sha256", secret).update(hmac.base).digest("base64")).toBe(hmac.signature);
    expect(
      verifyInNode(
        null,
        Buffer.from(ed25519.base),
        createPublicKey(ED25519_PUBLIC),
        Buffer.from(ed25519.signature, "base64"),
      ),
    ).toBe(true);
  });
});

function baseOf(message: RequestMessage, input: ReturnType<typeof innerList>) {
  const components = readComponents(input);
  return components.ok
    ? signatureBase(message, { input, components: components.value })
    : components;
}

describe("signatureBase", () => {
  test.each([
    ["B.2.5", hmac],
    ["B.2.6", ed25519],
  ])("builds the base of RFC 9421 %s", (_, vector) => {
    expect(baseOf(request, innerList(vector.input))).toEqual({
      ok: true,
      value: vector.base,
    });
  });

  test.each([
    ["@method", "POST"],
    ["@authority", "example.com"],
    ["@scheme", "https"],
    ["@target-uri", "https://example.com/foo?param=Value&Pet=dog"],
    ["@request-target", "/foo?param=Value&Pet=dog"],
    ["@path", "/foo"],
    ["@query", "?param=Value&Pet=dog"],
  ])("derives %s as RFC 9421, 2.2 says", (name, value) => {
    expect(baseOf(request, innerList(`("${name}")`))).toEqual({
      ok: true,
      value: `"${name}": ${value}\n"@signature-params": ("${name}")`,
    });
  });

  test("derives @query of a target without a query as a question mark", () => {
    expect(baseOf({ ...request, target: "/foo" }, innerList('("@query")'))).toEqual({
      ok: true,
      value: '"@query": ?\n"@signature-params": ("@query")',
    });
  });

  test("joins repeated header fields as RFC 9421, 2.1 says, and keeps empty ones", () => {
    const headers = new Headers({ "x-empty": "" });
    headers.append("cache-control", "  max-age=60 ");
    headers.append("cache-control", "must-revalidate");
    const input = innerList('("cache-control" "x-empty")');
    expect(baseOf({ ...request, headers }, input)).toEqual({
      ok: true,
      value:
        '"cache-control": max-age=60, must-revalidate\n"x-empty": \n"@signature-params": ("cache-control" "x-empty")',
    });
  });

  test.each([
    ["HTTPS://Gateway.TEST", "gateway.test"],
    ["https://gateway.test:443", "gateway.test"],
    ["http://gateway.test:80/", "gateway.test"],
    ["https://gateway.test:8443", "gateway.test:8443"],
    ["http://127.0.0.1:8787", "127.0.0.1:8787"],
    ["http://[::1]:8787/pay", "[::1]:8787"],
  ])("normalizes the authority of %s to %s", (publicUrl, authority) => {
    expect(baseOf({ ...request, publicUrl }, innerList('("@authority")'))).toEqual({
      ok: true,
      value: `"@authority": ${authority}\n"@signature-params": ("@authority")`,
    });
  });
});

describe("verifyWith", () => {
  test("verifies RFC 9421 B.2.5 (hmac-sha256), and no part of its MAC", async () => {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", bytes(hmac.secret), algorithm, false, [
      "verify",
    ]);
    const mac = bytes(hmac.signature);
    expect(await verifyWith("hmac-sha256", key, mac, hmac.base)).toBe(true);
    expect(await verifyWith("hmac-sha256", key, mac, `${hmac.base}\n`)).toBe(false);
    for (const length of [0, 1, 16, 31]) {
      expect(await verifyWith("hmac-sha256", key, mac.slice(0, length), hmac.base)).toBe(false);
    }
  });

  test("verifies RFC 9421 B.2.6 (ed25519), and no part of its signature", async () => {
    const key = await importRequestKey({ algorithm: "ed25519", material: ED25519_PUBLIC });
    if (key === null) throw new Error("the key must be usable");
    const signature = bytes(ed25519.signature);
    expect(await verifyWith("ed25519", key, signature, ed25519.base)).toBe(true);
    expect(await verifyWith("ed25519", key, signature, ed25519.base.replace("POST", "PUT"))).toBe(
      false,
    );
    for (const length of [0, 32, 63]) {
      expect(await verifyWith("ed25519", key, signature.slice(0, length), ed25519.base)).toBe(
        false,
      );
    }
  });
});

describe("checkContentDigest", () => {
  const sha512 = contentDigest(Buffer.from('{"hello": "world"}\n'), "sha512");

  // RFC 9530, B.1 (the whole representation), B.2 (nothing) and B.3 (a part).
  test.each([
    ['{"hello": "world"}\n', "RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg="],
    ["", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="],
    ['"world"}\n', "jjcgBDWNAtbYUXI37CVG3gRuGOAjaaDRGpIUFsdyepQ="],
  ])("accepts RFC 9530's sha-256 of %j", async (body, digest) => {
    const headers = new Headers({ "content-digest": `sha-256=:${digest}:` });
    expect(await checkContentDigest(headers, Buffer.from(body))).toEqual({ ok: true, value: null });
  });

  test("accepts RFC 9530's sha-512 next to sha-256", async () => {
    expect(sha512).toBe(
      "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:",
    );
    const sha256 = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
    for (const value of [`${sha256}, ${sha512}`, `${sha512},${sha256}`, `${sha256}, md5=:AA==:`]) {
      const headers = new Headers({ "content-digest": value });
      const result = await checkContentDigest(headers, Buffer.from('{"hello": "world"}\n'));
      expect(result.ok).toBe(true);
    }
  });
});
