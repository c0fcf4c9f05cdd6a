import { describe, expect, test, vi } from "vitest";
import { verifyRequestSignature } from "../../../src/contract/request-signature/verify.ts";
import {
  contentDigest,
  draft,
  ED25519_KEY,
  edit,
  HMAC_KEY,
  HMAC_SECRET,
  KEYS,
  NOW_S,
  outcome,
  REQUIRED,
  signed,
  withHeaders,
} from "./support.ts";

const NOW_AT = NOW_S * 1000;

/** A signed request with one parameter removed afterwards. */
function without(parameter: string) {
  return edit(signed(), "signature-input", new RegExp(`;${parameter}=[^;]*`), "");
}

describe("verifyRequestSignature, accepted", () => {
  test("returns the id of the key that signed", async () => {
    expect(await verifyRequestSignature(signed(), KEYS, NOW_AT)).toEqual({
      ok: true,
      value: { keyId: "app-1" },
    });
    expect(
      await verifyRequestSignature(signed({ algorithm: "hmac-sha256" }), KEYS, NOW_AT),
    ).toEqual({ ok: true, value: { keyId: "app-2" } });
  });

  test("imports a key once, and the same key of another owner again", async () => {
    const imports = vi.spyOn(crypto.subtle, "importKey");
    const keys = structuredClone(KEYS);
    for (const algorithm of ["ed25519", "hmac-sha256", "ed25519", "hmac-sha256"] as const) {
      const verified = await verifyRequestSignature(signed({ algorithm }), keys, NOW_AT);
      expect(verified.ok).toBe(true);
    }
    expect(imports).toHaveBeenCalledTimes(2);
    await verifyRequestSignature(signed(), structuredClone(KEYS), NOW_AT);
    expect(imports).toHaveBeenCalledTimes(3);
    imports.mockRestore();
  });

  test.each([
    ["another label", { label: "*my-sig.2" }],
    ["reordered components", { components: REQUIRED.toReversed() }],
    ["more components", { components: [...REQUIRED, "@query", "@scheme", "@target-uri"] }],
    ["an empty body", { body: new Uint8Array() }],
    ["a body that isn't text", { body: new Uint8Array([0, 255, 254, 128]) }],
    ["the key's algorithm", { parameters: { alg: '"ed25519"' } }],
    ["a nonce and an unknown parameter", { parameters: { nonce: '"n;1"', "x-y": "1.5" } }],
    ["a percent-encoded path", { target: "/api/%E4%B8%AD?a=%20" }],
    ["a port in the public URL", { publicUrl: "https://GATEWAY.test:8443" }],
  ])("accepts %s", async (_, changes) => {
    expect(await outcome(signed(changes))).toBe("ACCEPTED");
  });

  test("takes the authority from the public URL, whatever Host says", async () => {
    const request = withHeaders(signed(), { host: "evil.test", "x-forwarded-host": "evil.test" });
    expect(await outcome(request)).toBe("ACCEPTED");
    expect(await outcome({ ...request, publicUrl: "https://gateway-qa.test" })).toBe(
      "wrong-signature",
    );
  });

  test("accepts the same list in other white space (RFC 9421, 2.3: canonical text is signed)", async () => {
    const spaced = edit(signed(), "signature-input", '("@method" ', '(  "@method"   ');
    expect(await outcome(edit(spaced, "signature-input", ";keyid", ";  keyid"))).toBe("ACCEPTED");
  });

  test("ignores signatures with other tags or without one", async () => {
    const request = signed();
    const input = request.headers.get("signature-input") ?? "";
    const value = request.headers.get("signature") ?? "";
    const others = 'other=("@status";req);tag="wechat", bare=();created=1, token=();tag=wechat';
    for (const name of [`${others}, ${input}`, `${input}, ${others}`]) {
      const all = withHeaders(request, {
        "signature-input": name,
        signature: `other=:AAAA:, ${value}, extra=:AQ==:`,
      });
      expect(await outcome(all)).toBe("ACCEPTED");
    }
  });

  test("reads header fields that a proxy has split into lines", async () => {
    const request = signed();
    request.headers.append("signature-input", "other=();created=1");
    request.headers.append("signature", "other=:AAAA:");
    expect(await outcome(request)).toBe("ACCEPTED");
  });
});

describe("verifyRequestSignature, time", () => {
  const created = NOW_S;
  const at = async (expires: number, nowS: number) =>
    await outcome(
      signed({ parameters: { created: String(created), expires: String(expires) } }),
      nowS * 1000,
    );

  test("accepts created from 60 s ahead to 300 s old, to the millisecond", async () => {
    expect(await at(created + 300, created - 60)).toBe("ACCEPTED");
    expect(await at(created + 300, created - 60.001)).toBe("in-future");
    expect(await at(created + 300, created + 300)).toBe("ACCEPTED");
    expect(await at(created + 300, created + 300.001)).toBe("too-old");
  });

  test("accepts expires up to 300 s after created, until it has passed", async () => {
    expect(await at(created + 301, created)).toBe("expires-too-late");
    expect(await at(created + 30, created + 30)).toBe("ACCEPTED");
    expect(await at(created + 30, created + 30.001)).toBe("expired");
    expect(await at(created, created)).toBe("ACCEPTED");
    expect(await at(created - 1, created - 10)).toBe("expires-before-created");
  });

  test("refuses times in milliseconds and times before 1970", async () => {
    const inMs = { created: String(NOW_AT), expires: String(NOW_AT + 1000) };
    expect(await outcome(signed({ parameters: inMs }))).toBe("in-future");
    const negative = { created: "-1", expires: "-1" };
    expect(await outcome(signed({ parameters: negative }))).toBe("too-old");
  });
});

describe("verifyRequestSignature, parameters", () => {
  test.each(["keyid", "created", "expires"])("requires %s", async (parameter) => {
    expect(await verifyRequestSignature(without(parameter), KEYS, NOW_AT)).toEqual({
      ok: false,
      error: { kind: "parameter-missing", parameter },
    });
  });

  test.each([
    ["keyid", "app-1"],
    ["keyid", ":AQID:"],
    ["created", `"${NOW_S}"`],
    ["created", `${NOW_S}.0`],
    ["expires", "?1"],
    ["alg", "ed25519"],
    ["nonce", "1"],
  ])("refuses %s=%s, which has another type", async (parameter, value) => {
    expect(
      await verifyRequestSignature(signed({ parameters: { [parameter]: value } }), KEYS, NOW_AT),
    ).toEqual({
      ok: false,
      error: { kind: "parameter-malformed", parameter },
    });
  });

  test("refuses a signature without the gateway's tag", async () => {
    expect(await outcome(without("tag"))).toBe("tag-missing");
    for (const tag of ['"Wechat-Pay-Gateway"', '"wechat-pay-gateway "', "wechat-pay-gateway"]) {
      expect(await outcome(signed({ parameters: { tag } }))).toBe("tag-missing");
    }
  });

  test("refuses two signatures with the gateway's tag, even if both are right", async () => {
    const request = signed();
    const other = signed({ label: "sig2", algorithm: "hmac-sha256" });
    for (const name of ["signature-input", "signature"]) {
      request.headers.append(name, other.headers.get(name) ?? "");
    }
    expect(await outcome(request)).toBe("tag-repeated");
  });

  test("refuses a key that isn't the app's", async () => {
    expect(await outcome(signed({ parameters: { keyid: '"app-3"' } }))).toBe("unknown-key");
    const result = await verifyRequestSignature(signed(), [HMAC_KEY], NOW_AT);
    expect(result).toEqual({ ok: false, error: { kind: "unknown-key" } });
    expect((await verifyRequestSignature(signed(), [], NOW_AT)).ok).toBe(false);
  });

  test("refuses an alg that isn't the key's", async () => {
    for (const alg of ['"hmac-sha256"', '"Ed25519"', '"none"', '""', '"rsa-v1_5-sha256"']) {
      expect(await outcome(signed({ parameters: { alg } }))).toBe("algorithm");
    }
  });

  test("never uses an Ed25519 public key as an HMAC secret (RFC 9421, 7.3.6)", async () => {
    const forged = signed({
      algorithm: "hmac-sha256",
      parameters: { keyid: '"app-1"', alg: '"hmac-sha256"' },
    });
    expect(await outcome(forged)).toBe("algorithm");
    expect(
      await outcome(signed({ algorithm: "hmac-sha256", parameters: { keyid: '"app-1"' } })),
    ).toBe("wrong-signature");
  });
});

describe("verifyRequestSignature, components", () => {
  test.each(REQUIRED)("requires %s", async (component) => {
    const components = [...REQUIRED.filter((name) => name !== component), "@target-uri"];
    expect(await verifyRequestSignature(signed({ components }), KEYS, NOW_AT)).toEqual({
      ok: false,
      error: { kind: "component-missing", component },
    });
  });

  test("refuses a component that occurs twice", async () => {
    expect(await outcome(signed({ components: [...REQUIRED, "@path"] }))).toBe(
      "component-repeated",
    );
  });

  test.each([
    ...'"content-digest";sf "content-digest";bs "content-digest";key="sha-256"'.split(" "),
    ...'"@method";req "x-a";tr "@query-param";name="a" "x-a";unknown=1'.split(" "),
    ...'"@signature-params" "@status" "@query-param" "@unknown" "@"'.split(" "),
    ...'"Content-Type" "" "x:" x-a 1 :AQID: "\\""'.split(" "),
    '"x a"',
    `"${"x".repeat(65)}"`,
  ])("refuses the component %s", async (component) => {
    const request = edit(signed(), "signature-input", '"@method"', `"@method" ${component}`);
    expect(await outcome(request)).toBe("component-unsupported");
  });

  test("names a covered header field that the request doesn't have", async () => {
    const request = signed({ components: [...REQUIRED, "x-request"] });
    expect(await verifyRequestSignature(request, KEYS, NOW_AT)).toEqual({
      ok: false,
      error: { kind: "covered-field-missing", field: "x-request" },
    });
    expect(await outcome(withHeaders(signed(), { "content-type": undefined }))).toBe(
      "covered-field-missing",
    );
  });

  test("refuses what could forge a line of the signature base", async () => {
    const request = signed();
    for (const method of ['POST\n"@path": /x', "POST ", "", "ＰＯＳＴ"]) {
      expect(await outcome({ ...request, method })).toBe("component-value");
    }
    for (const target of ["/a\n", "/a b", "", "api", "https://gateway.test/", "/中", "/a#b", "*"]) {
      expect(await outcome({ ...request, target })).toBe("component-value");
    }
    const components = [...REQUIRED, "x-name"];
    expect(await outcome(signed({ components, headers: { "x-name": "caf\u00e9" } }))).toBe(
      "component-value",
    );
  });
});

describe("verifyRequestSignature, header fields", () => {
  const fields = ["Signature-Input", "Signature", "Content-Digest"];

  test.each(fields)("requires %s", async (field) => {
    // Content-Digest is covered, so that its absence is found there.
    const kind = field === "Content-Digest" ? "covered-field-missing" : "field-missing";
    expect(await outcome(withHeaders(signed(), { [field]: undefined }))).toBe(kind);
  });

  test.each(fields)("refuses %s that is longer than 4 KB, and reads one of 4 KB", async (field) => {
    const request = signed();
    const value = request.headers.get(field) ?? "";
    const fill = (length: number) =>
      withHeaders(request, { [field]: `z=${"(".repeat(length - value.length - 4)}, ${value}` });
    expect(await verifyRequestSignature(fill(4097), KEYS, NOW_AT)).toEqual({
      ok: false,
      error: { kind: "field-too-long", field },
    });
    expect(await verifyRequestSignature(fill(4096), KEYS, NOW_AT)).toEqual({
      ok: false,
      error: { kind: "field-malformed", field },
    });
  });

  test.each([
    ...'sig1 sig1= sig1=( sig1=("@method) sig1=(), Sig1=() sig1=();é'.split(" "),
    ...'sig1=1 sig1="x" sig1=:AQID: sig1=();a=1;a=2 sig1=(),sig1=()'.split(" "),
  ])("refuses Signature-Input %j", async (value) => {
    expect(await outcome(withHeaders(signed(), { "signature-input": value }))).toBe(
      "field-malformed",
    );
  });

  test.each(fields)("refuses %s with characters outside ASCII", async (field) => {
    const value = signed().headers.get(field) ?? "";
    for (const text of [`${value}é`, `z="中", ${value}`, `${value};a="\u0080"`]) {
      expect(await outcome(withHeaders(signed(), { [field]: text }))).toMatch(
        /^(field-malformed|component-value)$/,
      );
    }
  });

  test("refuses our label twice in either field, in whatever order", async () => {
    for (const name of ["signature-input", "signature"]) {
      const request = signed();
      request.headers.append(name, request.headers.get(name) ?? "");
      expect(await outcome(request)).toBe("field-malformed");
    }
  });

  test.each([
    ["sig2=:AQID:", "value-missing"],
    ["", "value-missing"],
    ["sig1=AQID", "field-malformed"],
    ['sig1="AQID"', "field-malformed"],
    ["sig1=(:AQID:)", "field-malformed"],
    ["sig1=:AQI:", "field-malformed"],
    ["sig1=:AQID:", "wrong-signature"],
    ["sig1=::", "wrong-signature"],
  ])("refuses Signature %j: %s", async (value, kind) => {
    for (const algorithm of ["ed25519", "hmac-sha256"] as const) {
      expect(await outcome(withHeaders(signed({ algorithm }), { signature: value }))).toBe(kind);
    }
  });
});

describe("verifyRequestSignature, digest", () => {
  const { body } = draft();
  const other = Buffer.from("other");

  test.each([
    [contentDigest(body, "sha512"), "digest-missing"],
    ["md5=:AQID:", "digest-missing"],
    [contentDigest(other), "digest"],
    [`${contentDigest(body)}, ${contentDigest(other, "sha512")}`, "digest"],
    ["sha-256=::", "digest"],
    [contentDigest(body).replaceAll(":", '"'), "field-malformed"],
    ["sha-256", "field-malformed"],
    ["sha-256=(:AQID:)", "field-malformed"],
    [`${contentDigest(other)}, ${contentDigest(body)}`, "field-malformed"],
    [`${contentDigest(body)}, sha-512=1`, "field-malformed"],
    [contentDigest(body).toUpperCase(), "field-malformed"],
  ])("refuses a signed Content-Digest %s: %s", async (value, kind) => {
    expect(await outcome(signed({ headers: { "content-digest": value } }))).toBe(kind);
  });

  test("accepts sha-512 next to sha-256", async () => {
    const both = `${contentDigest(body, "sha512")}, ${contentDigest(body)}`;
    expect(await outcome(signed({ headers: { "content-digest": both } }))).toBe("ACCEPTED");
  });

  test("covers the bytes: another encoding of the same JSON is refused", async () => {
    const spaced = Buffer.from('{ "appId":1,"desc":"测试"}');
    expect(await outcome({ ...signed(), body: spaced })).toBe("digest");
  });
});

describe("verifyRequestSignature, registered keys", () => {
  test("throws for a registered key that can't be imported: that isn't the app's fault", async () => {
    const broken = { ...ED25519_KEY, material: HMAC_SECRET };
    await expect(verifyRequestSignature(signed(), [broken], NOW_AT)).rejects.toThrow(
      "can't be imported",
    );
  });
});
