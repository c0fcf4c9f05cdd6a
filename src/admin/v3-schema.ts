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

/** Platform certificates overlap by twos and threes, and there is one public key. */
const MAX_KEYS = 20;

/** A key to enter, or with a null to take away. */
type EnteredKey = VerifyKey | { readonly id: string; readonly kind: "dropped" };

const verifyKey = z
  .strictObject({
    id: z
      .string({ error: requiredOr("must be a string") })
      // A public key's id is taken to the letter; a serial number has one spelling at WeChat.
      .transform((id) => (/^[0-9a-f]+$/i.test(id) ? id.toUpperCase() : id))
      .refine(isVerifyKeyId, {
        error: "must be a certificate's serial number in hex, or PUB_KEY_ID_ and what follows it",
      }),
    pem: z.string({ error: requiredOr("must be a PEM, or null to take the key away") }).nullable(),
  })
  .transform(({ id, pem }, context): EnteredKey => {
    if (pem === null) return { id, kind: "dropped" };
    const key = valueOr(readVerifyKey(id, pem), context, ["pem"]);
    if (key.notAfter !== null && key.notAfter < Date.now()) {
      context.addIssue({
        code: "custom",
        message: "is a certificate that has run out",
        path: ["pem"],
      });
    }
    return key;
  });

/** The fields of APIv3. Their values are read here and never shown again; faults don't repeat them. */
export const v3Fields = {
  apiV3Key: text(
    /^[\x21-\x7e]{32}$/,
    "must be the APIv3 key: exactly 32 printable ASCII characters",
  ),
  merchantSerialNo: text(
    /^[0-9A-Fa-f]{1,40}$/,
    "must be the serial number of the merchant's API certificate: up to 40 hex digits",
  ).transform((serialNo) => serialNo.toUpperCase()),
  /** Instead of, or beside, its serial number: then the private key is compared with it. */
  merchantCertificate: pemOf(readCertificate),
  merchantPrivateKey: pemOf(readPrivateKey),
  verifyKeys: z
    .array(verifyKey, { error: requiredOr("must be a list of {id, pem}") })
    .max(MAX_KEYS, { error: `must have at most ${MAX_KEYS} entries` })
    .refine((keys) => new Set(keys.map(({ id }) => id)).size === keys.length, {
      error: "must name no key twice",
    }),
};

interface Entered {
  readonly merchantSerialNo?: string | undefined;
  readonly merchantCertificate?: Certificate | undefined;
  readonly merchantPrivateKey?: PrivateKey | undefined;
  readonly verifyKeys?: readonly EnteredKey[] | undefined;
}

/**
 * Compares what must fit together, and brings it into the form that is stored. A private key and
 * the serial number of its certificate come together or not at all: one of them alone would sign
 * what WeChat can't verify.
 */
export function fitCredentials<T extends Entered>(entered: T, context: z.RefinementCtx) {
  const { merchantCertificate: certificate, merchantPrivateKey, verifyKeys, ...rest } = entered;
  const serialNo = rest.merchantSerialNo ?? certificate?.serialNo;
  const fault = (path: keyof Entered, message: string): void => {
    context.addIssue({ code: "custom", path: [path], message });
  };
  if (merchantPrivateKey === undefined && serialNo !== undefined) {
    fault("merchantPrivateKey", "is required with its certificate's serial number");
  }
  if (merchantPrivateKey !== undefined && serialNo === undefined) {
    fault("merchantSerialNo", "is required with the private key");
  }
  if (certificate !== undefined) {
    if (certificate.notAfter < Date.now()) fault("merchantCertificate", "has run out");
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

/** A PEM that is read at once, since a wrong one would be noticed at the first payment only. */
function pemOf<T>(read: (text: string) => Result<T, string>) {
  return z
    .string({ error: requiredOr("must be a string") })
    .transform((given, context) => valueOr(read(given), context, []));
}

function valueOr<T>(result: Result<T, string>, context: z.RefinementCtx, path: string[]): T {
  if (result.ok) return result.value;
  context.addIssue({ code: "custom", message: result.error, path });
  return z.NEVER;
}
