import * as z from "zod";
import type { Config } from "../config.ts";
import { err, type Result } from "../lib/result.ts";
import { weaknessOfPublicKey } from "../lib/weak-secret.ts";
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
import { requiredOr, symmetricKey, text } from "./common-schema.ts";

/** At most three platform certificates are valid at a time, and a merchant has one public key. */
const MAX_KEYS = 20;

/** A key to store, or to remove (`pem` null). */
type EnteredKey = VerifyKey | { readonly id: string; readonly kind: "dropped" };

function verifyKey(environment: Config["environment"]) {
  return z
    .strictObject({
      id: z
        .string({ error: requiredOr("must be a string") })
        // A public key's id is kept exactly; WeChat writes serial numbers in upper case only.
        .transform((id) => (/^[0-9a-f]+$/i.test(id) ? id.toUpperCase() : id))
        .refine(isVerifyKeyId, {
          error:
            "must be a certificate's serial number in hex, or a public key's id (PUB_KEY_ID_…)",
        }),
      pem: z.string({ error: requiredOr("must be a PEM, or null to remove the key") }).nullable(),
    })
    .transform(({ id, pem }, context): EnteredKey => {
      if (pem === null) return { id, kind: "dropped" };
      const key = valueOr(unpublished(readVerifyKey(id, pem), environment), context, ["pem"]);
      if (key.notAfter !== null && key.notAfter < Date.now()) {
        context.addIssue({ code: "custom", message: "is an expired certificate", path: ["pem"] });
      }
      return key;
    });
}

/** The fields of APIv3. Their values are never shown again, and messages don't repeat them. */
export function v3Fields(environment: Config["environment"]) {
  return {
    apiV3Key: symmetricKey("APIv3", environment),
    merchantSerialNo: text(
      /^[0-9A-Fa-f]{1,40}$/,
      "must be the serial number of the merchant's API certificate: up to 40 hex digits",
    ).transform((serialNo) => serialNo.toUpperCase()),
    /** Instead of its serial number or with it: the private key is checked against it. */
    merchantCertificate: pemOf(readCertificate, environment),
    merchantPrivateKey: pemOf(readPrivateKey, environment),
    verifyKeys: z
      .array(verifyKey(environment), { error: requiredOr("must be a list of {id, pem}") })
      .max(MAX_KEYS, { error: `must have at most ${MAX_KEYS} entries` })
      .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, {
        error: "must not contain a key twice",
      }),
  };
}

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
function pemOf<T extends WithPublicKey>(
  read: (text: string) => Result<T, string>,
  environment: Config["environment"],
) {
  return z
    .string({ error: requiredOr("must be a string") })
    .transform((value, context) => valueOr(unpublished(read(value), environment), context, []));
}

interface WithPublicKey {
  /** SPKI. */
  readonly publicKeyPem: string;
}

/** Outside development, refuses a key pair whose private key is published. */
function unpublished<T extends WithPublicKey>(
  key: Result<T, string>,
  environment: Config["environment"],
): Result<T, string> {
  if (!key.ok || environment === "development") return key;
  const weakness = weaknessOfPublicKey(key.value.publicKeyPem);
  return weakness === null ? key : err(weakness);
}

function valueOr<T>(result: Result<T, string>, context: z.RefinementCtx, path: string[]): T {
  if (result.ok) return result.value;
  context.addIssue({ code: "custom", message: result.error, path });
  return z.NEVER;
}
