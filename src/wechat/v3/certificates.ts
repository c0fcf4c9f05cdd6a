import * as z from "zod";
import { CALL_TIMEOUT_MS } from "../transport.ts";
import { answerFor, unknown } from "../error-class.ts";
import type { Refused, Unknown, V3Merchant, VerifyKey } from "../types.ts";
import { send, type V3Client } from "./request.ts";
import { openSealed } from "./cipher.ts";
import { classifyCertificatesError } from "./error-codes.ts";
import { readJson } from "./json.ts";
import { readVerifyKey } from "../keys.ts";
import type { KeyLookup } from "./verify.ts";

export type CertificatesAnswer =
  | { readonly kind: "found"; readonly certificates: readonly VerifyKey[] }
  /** The merchant has no platform certificates but a public key, as all new ones do. */
  | { readonly kind: "none" }
  /** They don't decrypt with the merchant's APIv3 key, which therefore is wrong. */
  | { readonly kind: "undecryptable" }
  | Refused
  | Unknown;

const list = z.object({
  data: z.array(
    z.object({
      serial_no: z.string().min(1),
      encrypt_certificate: z.object({
        algorithm: z.literal("AEAD_AES_256_GCM"),
        nonce: z.string().min(1),
        associated_data: z.string().nullish(),
        ciphertext: z.string().min(1),
      }),
    }),
  ),
});

/**
 * Fetches WeChat's platform certificates (W-77; a new one is listed before it is used).
 *
 * The answer may be signed by a certificate that it contains, as the first one always is. That is
 * safe: a certificate decrypts with the merchant's APIv3 key only if WeChat encrypted it.
 */
export async function downloadCertificates(client: V3Client): Promise<CertificatesAnswer> {
  let received: Received = "unreadable";
  const reply = await send(client, {
    method: "GET",
    path: "/v3/certificates",
    timeoutMs: CALL_TIMEOUT_MS,
    findKey: async (body) => {
      received = await openAll(body, client.merchant);
      return finderAmong([...client.merchant.v3.verifyKeys, ...keysOf(received)]);
    },
  });
  if (reply.kind === "error") {
    const errorClass = classifyCertificatesError(reply.error);
    return errorClass === "none" ? { kind: "none" } : answerFor(errorClass, reply.error);
  }
  return conclude(reply, received);
}

type Received = readonly VerifyKey[] | "unreadable" | "undecryptable";

function conclude(
  reply: { readonly kind: "done" } | Unknown,
  received: Received,
): CertificatesAnswer {
  // The answer may be unverified, but this is enough for the operator to check the key.
  if (received === "undecryptable") return { kind: "undecryptable" };
  if (reply.kind === "unknown") return reply;
  if (received === "unreadable") return unknown("unreadable certificates");
  return { kind: "found", certificates: received };
}

async function openAll(body: Uint8Array, { v3 }: V3Merchant): Promise<Received> {
  const read = readJson(body, list);
  if (!read.ok) return "unreadable";
  const keys: VerifyKey[] = [];
  for (const { serial_no: id, encrypt_certificate: sealed } of read.value.data) {
    const plain = await openSealed(sealed, v3.apiV3Key);
    if (plain === null) return "undecryptable";
    const key = readVerifyKey(id, new TextDecoder().decode(plain));
    if (!key.ok) return "unreadable";
    keys.push(key.value);
  }
  return keys;
}

function keysOf(received: Received): readonly VerifyKey[] {
  return typeof received === "string" ? [] : received;
}

function finderAmong(keys: readonly VerifyKey[]): KeyLookup {
  return async (id) => keys.find((key) => key.id === id) ?? null;
}
