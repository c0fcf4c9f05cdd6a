import type { Merchant, V3Credentials, VerifyKey, WechatEnv } from "./types.ts";
import { downloadCertificates, type CertificatesAnswer } from "./v3/certificates.ts";

/** Whether WeChat may list platform certificates of this merchant; a public-key merchant has none. */
export function mayHaveCertificates({ v3 }: Pick<Merchant, "v3">): boolean {
  if (v3 === null) return false;
  const { verifyKeys } = v3;
  return verifyKeys.length === 0 || verifyKeys.some(({ kind }) => kind === "certificate");
}

/**
 * Fetches the platform certificates of a merchant with APIv3 credentials; throws for one without.
 * Needs no key look-up: the answer contains the certificate that signs it.
 */
export async function fetchCertificates(
  { id, mchId, v3 }: Pick<Merchant, "id" | "mchId" | "v3">,
  env: WechatEnv,
): Promise<CertificatesAnswer> {
  if (v3 === null) throw new Error("a merchant without APIv3 has no certificates");
  return await downloadCertificates({
    merchant: { id, mchId, v3 },
    env,
    findVerifyKey: async () => null,
  });
}

/** The result of testing new APIv3 credentials at WeChat. */
export type CredentialsCheck =
  | { readonly kind: "accepted"; readonly certificates: readonly VerifyKey[] }
  /** No platform certificate and no public key is known: answers couldn't be verified. */
  | { readonly kind: "public-key-missing" }
  /** The APIv3 key doesn't decrypt the merchant's certificates. */
  | { readonly kind: "wrong-api-v3-key" }
  /** The private key doesn't belong to the serial number, or neither to this merchant. */
  | { readonly kind: "wrong-private-key" }
  /** WeChat gave no clear answer. */
  | { readonly kind: "not-checked"; readonly code?: string; readonly reason?: string };

/** Derives the result from WeChat's answer to a certificates request with these credentials. */
export function checkCredentials(
  answer: CertificatesAnswer,
  { verifyKeys }: Pick<V3Credentials, "verifyKeys">,
): CredentialsCheck {
  switch (answer.kind) {
    case "found":
      return { kind: "accepted", certificates: answer.certificates };
    case "none":
      return verifyKeys.length > 0
        ? { kind: "accepted", certificates: [] }
        : { kind: "public-key-missing" };
    case "undecryptable":
      return { kind: "wrong-api-v3-key" };
    case "refused":
      return /^SIGN_?ERROR$/.test(answer.code)
        ? { kind: "wrong-private-key" }
        : { kind: "not-checked", code: answer.code };
    case "unknown":
      return { kind: "not-checked", reason: answer.reason };
  }
}
