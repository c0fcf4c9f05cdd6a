import { describe, expect, test } from "vitest";
import { downloadCertificates } from "../../../src/wechat/v3/certificates.ts";
import { API_V3_KEY, certificateA, certificateB, keys } from "./support/fixtures.ts";
import { seal } from "./support/messages.ts";
import { probe, refusal, signed, stubV3, unreachable } from "./support/stub.ts";

interface Listed {
  readonly id: string;
  readonly certificate: string;
}

function listOf(listed: readonly Listed[], apiV3Key = API_V3_KEY): object {
  const data = listed.map(({ id, certificate }) => ({
    serial_no: id,
    effective_time: "2020-01-01T08:00:00+08:00",
    expire_time: "2060-01-01T08:00:00+08:00",
    encrypt_certificate: seal(certificate, "certificate", apiV3Key),
  }));
  return { data };
}

const both = [keys.certificateA, keys.certificateB];
const found = { kind: "found", certificates: [certificateA, certificateB] };

const kindOf = async (...answers: Parameters<typeof stubV3>[0]) =>
  (await downloadCertificates(stubV3(answers).client)).kind;

describe("downloadCertificates", () => {
  test.each([
    ["a known certificate", [certificateA], keys.certificateA],
    ["the public key", undefined, keys.publicKey],
    ["one of the new certificates", [], keys.certificateB],
  ])("verifies the list with %s", async (_name, verifyKeys, signer) => {
    const v3 = verifyKeys === undefined ? {} : { verifyKeys };
    const { client, sent, lookedUp } = stubV3([signed(listOf(both), { signer })], { v3 });
    expect(await downloadCertificates(client)).toEqual(found);
    expect([sent[0]?.method, sent[0]?.url]).toEqual(["GET", "https://wechat.test/v3/certificates"]);
    expect(lookedUp).toEqual([]);
  });

  test("returns unknown for a list signed with an unknown key", async () => {
    const unknownSigner = { ...keys.certificateB, privateKey: keys.otherMerchant.privateKey };
    const { client } = stubV3([signed(listOf(both), { signer: unknownSigner })], {
      v3: { verifyKeys: [] },
    });
    expect((await downloadCertificates(client)).kind).toBe("unknown");
    const [only] = both;
    const elsewhere = signed(listOf(only === undefined ? [] : [only]), {
      signer: keys.certificateB,
    });
    expect((await downloadCertificates(stubV3([elsewhere]).client)).kind).toBe("unknown");
  });

  test("returns undecryptable when the APIv3 key doesn't open them", async () => {
    const { client } = stubV3([
      signed(listOf(both, "x".repeat(32)), { signer: keys.certificateB }),
    ]);
    expect(await downloadCertificates(client)).toEqual({ kind: "undecryptable" });
  });

  test.each<[string, object]>([
    ["no list", {}],
    ["a serial that isn't the certificate's", listOf([{ ...keys.certificateA, id: "AB" }])],
    ["no certificate in it", listOf([{ id: "AB", certificate: "text" }])],
  ])("returns unknown for %s", async (_name, body) => {
    const { client } = stubV3([signed(body)]);
    expect((await downloadCertificates(client)).kind).toBe("unknown");
  });

  test("returns none for a 404: the merchant has a public key", async () => {
    const { client } = stubV3([refusal(404, "RESOURCE_NOT_EXISTS", "无可用的平台证书")]);
    expect(await downloadCertificates(client)).toEqual({ kind: "none" });
  });

  test("handles refusals, failures and probes like any call", async () => {
    expect(await kindOf(refusal(401, "SIGN_ERROR"))).toBe("refused");
    expect(await kindOf(refusal(500, "SYSTEM_ERROR"))).toBe("unknown");
    expect(await kindOf(unreachable(), unreachable())).toBe("unknown");
    expect(await kindOf(probe(listOf(both)), signed(listOf(both)))).toBe("found");
  });
});
