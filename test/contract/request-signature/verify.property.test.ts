import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SignedRequest } from "../../../src/contract/request-signature/verify.ts";
import { contentDigest, drafts, edit, NOW_S, outcome, signed, withHeaders } from "./support.ts";

type Change = (request: SignedRequest) => SignedRequest;

/** Another value of a parameter of the signature, after it was signed. */
const parameter =
  (name: string) =>
  (value: string): Change =>
  (request) =>
    edit(request, "signature-input", new RegExp(`;${name}=[^;]*`), `;${name}=${value}`);

const shiftedTime = fc
  .integer({ min: -30, max: 30 })
  .filter((shift) => shift !== 0)
  .map((shift) => String(NOW_S - 1 + shift));

/** Changes after signing; each keeps the request well-formed. */
const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.constantFrom("DELETE", "post", "HEAD").map((method): Change => (request) => ({
    ...request,
    method,
  })),
  fc.constantFrom("/x", "/", "%2F", "a").map((suffix): Change => (request) => {
    const [path = "", ...query] = request.target.split("?");
    return { ...request, target: [path + suffix, ...query].join("?") };
  }),
  fc
    .constantFrom("https://gateway-qa.test", "https://gateway.test:444")
    .map((publicUrl): Change => (request) => ({ ...request, publicUrl })),
  fc.constantFrom("text/plain", "application/json; charset=utf-8", "application/JSON").map(
    (type): Change =>
      (request) =>
        withHeaders(request, { "content-type": type }),
  ),
  fc.uint8Array({ minLength: 65, maxLength: 80 }).map((body): Change => (request) => ({
    ...request,
    body,
  })),
  // A forger replaces the body and its digest.
  fc.uint8Array({ minLength: 65, maxLength: 80 }).map((body): Change => (request) => ({
    ...withHeaders(request, { "content-digest": contentDigest(body) }),
    body,
  })),
  fc.constant<Change>((request) =>
    edit(request, "content-digest", /$/, `, ${contentDigest(request.body, "sha512")}`),
  ),
  shiftedTime.map(parameter("created")),
  shiftedTime.map((time) => parameter("expires")(String(Number(time) + 295))),
  fc.constantFrom('"app-3"', '"app-1 "', '""').map(parameter("keyid")),
  fc.constantFrom('"wechat-pay"', '""', "1").map(parameter("tag")),
  fc.constant(parameter("nonce")('"another nonce, longer than any"')),
  fc.constant<Change>((request) => edit(request, "signature-input", /$/, ";extra")),
  fc.nat().map((at): Change => (request) => {
    const value = request.headers.get("signature") ?? "";
    const start = value.indexOf(":") + 1;
    // Not the last characters, some of which hold bits that are always zero.
    const index = start + (at % (value.length - start - 4));
    const flipped = value[index] === "A" ? "B" : "A";
    return withHeaders(request, {
      signature: value.slice(0, index) + flipped + value.slice(index + 1),
    });
  }),
);

describe("verifyRequestSignature, any request", () => {
  test("accepts it as signed and refuses it after any change", async () => {
    await fc.assert(
      fc.asyncProperty(drafts, changes, async (made, change) => {
        const request = signed(made);
        expect(await outcome(request)).toBe("ACCEPTED");
        expect(await outcome(change(request))).not.toBe("ACCEPTED");
      }),
      { numRuns: 600 },
    );
  });

  test("refuses the other registered key's id", async () => {
    await fc.assert(
      fc.asyncProperty(drafts, async (made) => {
        const keyId = made.algorithm === "ed25519" ? '"app-2"' : '"app-1"';
        expect(await outcome(parameter("keyid")(keyId)(signed(made)))).toBe("wrong-signature");
      }),
    );
  });

  test("refuses any reordering of the list or of the parameters after signing", async () => {
    await fc.assert(
      fc.asyncProperty(drafts, async (made) => {
        const request = signed(made);
        const { components, parameters } = made;
        const other = signed({ ...made, components: components.toReversed() });
        const input = other.headers.get("signature-input") ?? "";
        expect(await outcome(withHeaders(request, { "signature-input": input }))).toBe(
          "wrong-signature",
        );
        const turned = Object.entries(parameters).toReversed();
        const list = components.map((name) => `"${name}"`).join(" ");
        const text = turned.map(([name, value]) => `;${name}=${value}`).join("");
        const reordered = { "signature-input": `${made.label}=(${list})${text}` };
        expect(await outcome(withHeaders(request, reordered))).toBe("wrong-signature");
      }),
    );
  });
});

describe("verifyRequestSignature, hostile headers", () => {
  /** ASCII only: workerd warns of every other header. Other characters are tested one by one. */
  const text = fc.oneof(
    fc.string({
      unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
      maxLength: 60,
    }),
    fc
      .array(
        fc.constantFrom(
          ...Array.from('()"\\;=, :@-%*'),
          ...'sig1 sig1= "@method" "@path" "content-type" :AQID: 1793491200 sha-256= ?1'.split(" "),
          ...';created= ;expires= ;keyid="app-1" ;tag="wechat-pay-gateway"'.split(" "),
        ),
        { maxLength: 24 },
      )
      .map((parts) => parts.join("")),
    fc
      .tuple(fc.constantFrom("(", '"', "\\", ";a", "a,", ":", " ", "1", '("a" '), fc.nat(8192))
      .map(([piece, length]) => piece.repeat(length)),
  );

  test("give a fault and never throw", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("signature-input", "signature", "content-digest"),
        text,
        fc.constantFrom("replace", "before", "after"),
        async (name, value, place) => {
          const request = signed();
          const old = request.headers.get(name) ?? "";
          const replaced = { replace: value, before: value + old, after: old + value }[place];
          const hostile = withHeaders(request, { [name]: replaced });
          const kind = await outcome(hostile);
          // The digest's field is covered as it stands; the others may name more signatures.
          if (hostile.headers.get("content-digest") !== request.headers.get("content-digest")) {
            expect(kind).not.toBe("ACCEPTED");
          }
        },
      ),
      { numRuns: 1500 },
    );
  });

  test("give a fault when cut off anywhere", async () => {
    const request = signed({ algorithm: "hmac-sha256" });
    for (const name of ["signature-input", "signature", "content-digest"]) {
      const value = request.headers.get(name) ?? "";
      for (let length = 0; length < value.length; length += 1) {
        const cut = withHeaders(request, { [name]: value.slice(0, length) });
        expect(await outcome(cut)).not.toBe("ACCEPTED");
      }
    }
  });
});
