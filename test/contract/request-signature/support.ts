import { createHash, createHmac, sign as signWith } from "node:crypto";
import * as fc from "fast-check";
import type { RequestKey } from "../../../src/contract/request-signature/request-key.ts";
import {
  verifyRequestSignature,
  type SignedRequest,
} from "../../../src/contract/request-signature/verify.ts";

/** 2026-11-01 00:00:00 UTC, in Unix seconds. */
export const NOW_S = 1_793_491_200;

/** RFC 9421, B.1.4: test-key-ed25519. */
export const ED25519_PRIVATE = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----`;
export const ED25519_PUBLIC = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----
`;
export const HMAC_SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

export const ED25519_KEY: RequestKey = {
  keyId: "app-1",
  algorithm: "ed25519",
  material: ED25519_PUBLIC,
};
export const HMAC_KEY: RequestKey = {
  keyId: "app-2",
  algorithm: "hmac-sha256",
  material: HMAC_SECRET,
};
export const KEYS = [ED25519_KEY, HMAC_KEY];

export const REQUIRED = ["@method", "@authority", "@path", "content-type", "content-digest"];

/** All that a signed request is made of. */
export interface Draft {
  readonly method: string;
  readonly target: string;
  readonly publicUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly label: string;
  /** Names of components; what isn't derived is a header field of `headers`. */
  readonly components: readonly string[];
  /** Parameters of the signature as they are written, in this order. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly algorithm: RequestKey["algorithm"];
}

/** A valid request to create an order, signed a second ago with Ed25519; change what you test. */
export function draft(changes: Partial<Draft> = {}): Draft {
  const body = changes.body ?? Buffer.from('{"appId":1,"desc":"测试"}');
  return {
    method: "POST",
    target: "/api/create-order",
    publicUrl: "https://gateway.test",
    label: "sig1",
    components: REQUIRED,
    algorithm: "ed25519",
    ...changes,
    body,
    headers: {
      "content-type": "application/json",
      "content-digest": contentDigest(body),
      ...changes.headers,
    },
    parameters: {
      created: String(NOW_S - 1),
      expires: String(NOW_S + 60),
      keyid: changes.algorithm === "hmac-sha256" ? '"app-2"' : '"app-1"',
      tag: '"wechat-pay-gateway"',
      ...changes.parameters,
    },
  };
}

/** Signs a draft with `node:crypto`, sharing nothing with `src`. */
export function signed(changes: Partial<Draft> = {}): SignedRequest {
  const made = draft(changes);
  const input = signatureInput(made);
  const lines = made.components.map((name) => `"${name}": ${valueOf(made, name)}`);
  const base = Buffer.from([...lines, `"@signature-params": ${input}`].join("\n"));
  const signature =
    made.algorithm === "ed25519"
      ? signWith(null, base, ED25519_PRIVATE)
      : createHmac("sha256", Buffer.from(HMAC_SECRET, "base64")).update(base).digest();
  const headers = new Headers(made.headers);
  headers.set("signature-input", `${made.label}=${input}`);
  headers.set("signature", `${made.label}=:${signature.toString("base64")}:`);
  const { method, target, body, publicUrl } = made;
  return { method, target, headers, body, publicUrl };
}

export function contentDigest(body: Uint8Array, algorithm: "sha256" | "sha512" = "sha256"): string {
  const digest = createHash(algorithm).update(body).digest("base64");
  return `${algorithm.replace("sha", "sha-")}=:${digest}:`;
}

/** The request with other headers; an undefined value removes the header. */
export function withHeaders(
  request: SignedRequest,
  changes: Readonly<Record<string, string | undefined>>,
): SignedRequest {
  const headers = new Headers(request.headers);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) headers.delete(name);
    else headers.set(name, value);
  }
  return { ...request, headers };
}

/** The request with a text replaced in one header, where it must occur. */
export function edit(
  request: SignedRequest,
  name: string,
  from: string | RegExp,
  to: string,
): SignedRequest {
  const before = request.headers.get(name) ?? "";
  const after = before.replace(from, () => to);
  if (after === before) throw new Error(`${name} isn't changed by the edit`);
  return withHeaders(request, { [name]: after });
}

/** The kind of the fault, or ACCEPTED. */
export async function outcome(request: SignedRequest, nowAt = NOW_S * 1000): Promise<string> {
  const result = await verifyRequestSignature(request, KEYS, nowAt);
  return result.ok ? "ACCEPTED" : result.error.kind;
}

function signatureInput({ components, parameters }: Draft): string {
  const list = components.map((name) => `"${name}"`).join(" ");
  const written = Object.entries(parameters).map(([name, value]) => `;${name}=${value}`);
  return `(${list})${written.join("")}`;
}

function valueOf({ method, target, publicUrl, headers }: Draft, name: string): string {
  const url = new URL(new URL(publicUrl).origin + target);
  switch (name) {
    case "@method":
      return method;
    case "@authority":
      return url.host;
    case "@scheme":
      return url.protocol.replace(":", "");
    case "@target-uri":
      return url.href;
    case "@request-target":
      return url.pathname + url.search;
    case "@path":
      return url.pathname;
    case "@query":
      return url.search === "" ? "?" : url.search;
    default:
      return headers[name]?.trim() ?? "";
  }
}

/** Drafts of valid requests of every shape. */
export const drafts: fc.Arbitrary<Draft> = fc
  .record({
    method: fc.constantFrom("POST", "GET", "PUT", "PURGE"),
    target: fc
      .tuple(fc.stringMatching(/^(\/[a-z0-9_~-]{0,8}){1,4}$/), fc.stringMatching(/^(\?[a-z=&]+)?$/))
      .map((parts) => parts.join("")),
    body: fc.uint8Array({ maxLength: 64 }),
    label: fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,20}$/),
    algorithm: fc.constantFrom("ed25519" as const, "hmac-sha256" as const),
    components: fc
      .shuffledSubarray([
        "@query",
        "@target-uri",
        "@scheme",
        "@request-target",
        "x-empty",
        "x-request",
      ])
      .chain((more) =>
        fc.shuffledSubarray([...REQUIRED, ...more], { minLength: REQUIRED.length + more.length }),
      ),
    nonce: fc.stringMatching(/^[A-Za-z0-9 ;=,:()]{0,20}$/),
    lifetime: fc.integer({ min: 1, max: 290 }),
  })
  .map(({ nonce, lifetime, ...changes }) =>
    draft({
      ...changes,
      headers: { "x-empty": "", "x-request": "a,  b; c" },
      parameters: { nonce: `"${nonce}"`, expires: String(NOW_S - 1 + lifetime) },
    }),
  );
