import * as z from "zod";
import type { Result } from "../lib/result.ts";
import {
  isSameSerial,
  isVerifyKeyId,
  readCertificate,
  readPrivateKey,
  readVerifyKey,
  type Certificate,
  type PrivateKey,
} from "../wechat/keys.ts";
import type { VerifyKey } from "../wechat/types.ts";
import { requiredOr, text } from "./common-schema.ts";

/** At most three platform certificates are valid at a time, and a merchant has one public key. */
const MAX_KEYS = 20;

/** A key to store, or to remove (`pem` null). */
type EnteredKey = VerifyKey | { readonly id: string; readonly kind: "dropped" };

const verifyKey = z
  .strictObject({
    id: z
      .string({ error: requiredOr("must be a string") })
      // A public key's id is kept exactly; WeChat writes serial numbers in upper case only.
      .transform((id) => (/^[0-9a-f]+$/i.test(id) ? id.toUpperCase() : id))
      .refine(isVerifyKeyId, {
        error: "must be a certificate's serial number in hex, or a public key's id (PUB_KEY_ID_…)",
      }),
    pem: z.string({ error: requiredOr("must be a PEM, or null to remove the key") }).nullable(),
  })
  .transform(({ id, pem }, context): EnteredKey => {
    if (pem === null) return { id, kind: "dropped" };
    const key = valueOr(readVerifyKey(id, pem), context, ["pem"]);
    if (key.notAfter !== null && key.notAfter < Date.now()) {
      context.addIssue({ code: "custom", message: "is an expired certificate", path: ["pem"] });
    }
    return key;
  });

/** The fields of APIv3. Their values are never shown again, and messages don't repeat them. */
export const v3Fields = {
  apiV3Key: text(
    /^[\x21-\x7e]{32}$/,
    "must be the APIv3 key: exactly 32 printable ASCII characters",
  ),
  merchantSerialNo: text(
    /^[0-9A-Fa-f]{1,40}$/,
    "must be the serial number of the merchant's API certificate: up to 40 hex digits",
  ).transform((serialNo) => serialNo.toUpperCase()),
  /** Instead of its serial number or with it: the private key is checked against it. */
  merchantCertificate: pemOf(readCertificate),
  merchantPrivateKey: pemOf(readPrivateKey),
  verifyKeys: z
    .array(verifyKey, { error: requiredOr("must be a list of {id, pem}") })
    .max(MAX_KEYS, { error: `must have at most ${MAX_KEYS} entries` })
    .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, {
      error: "must not contain a key twice",
    }),
};

interface EnteredCredentials {
  readonly merchantSerialNo?: string | undefined;
  readonly merchantCertificate?: Certificate | undefined;
  readonly merchantPrivateKey?: PrivateKey | undefined;
  readonly verifyKeys?: readonly EnteredKey[] | undefined;
}

/**
 * Checks that the credentials match each other, and converts them to the form that is stored. A
 * private key requires its certificate's serial number and the reverse: WeChat couldn't verify
 * signatures made with a key and another key's serial number.
 */
export function combineCredentials<T extends EnteredCredentials>(
  entered: T,
  context: z.RefinementCtx,
) {
  const { merchantCertificate: certificate, merchantPrivateKey, verifyKeys, ...rest } = entered;
  const serialNo = rest.merchantSerialNo ?? certificate?.serialNo;
  const fault = (path: keyof EnteredCredentials, message: string): void => {
    context.addIssue({ code: "custom", path: [path], message });
  };
  if (merchantPrivateKey === undefined && serialNo !== undefined) {
    fault("merchantPrivateKey", "is required with its certificate's serial number");
  }
  if (merchantPrivateKey !== undefined && serialNo === undefined) {
    fault("merchantSerialNo", "is required with the private key");
  }
  if (certificate !== undefined) {
    if (certificate.notAfter < Date.now())
      fault("merchantCertificate", "is an expired certificate");
    if (serialNo !== undefined && !isSameSerial(serialNo, certificate.serialNo)) {
      fault("merchantSerialNo", "is not the serial number of merchantCertificate");
    }
    const publicKey = merchantPrivateKey?.publicKeyPem ?? certificate.publicKeyPem;
    if (publicKey !== certificate.publicKeyPem) {
      fault("merchantPrivateKey", "is not the private key of merchantCertificate");
    }
  }
  return {
    ...rest,
    merchantSerialNo: serialNo,
    merchantPrivateKey: merchantPrivateKey?.pem,
    verifyKeys: verifyKeys?.flatMap((key) => (key.kind === "dropped" ? [] : key)),
    droppedVerifyKeys: verifyKeys?.flatMap((key) => (key.kind === "dropped" ? key.id : [])),
  };
}

/** A PEM, parsed here because a wrong one would fail only at the first payment. */
function pemOf<T>(read: (text: string) => Result<T, string>) {
  return z
    .string({ error: requiredOr("must be a string") })
    .transform((value, context) => valueOr(read(value), context, []));
}

function valueOr<T>(result: Result<T, string>, context: z.RefinementCtx, path: string[]): T {
  if (result.ok) return result.value;
  context.addIssue({ code: "custom", message: result.error, path });
  return z.NEVER;
}
