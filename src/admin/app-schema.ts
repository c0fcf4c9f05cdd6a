import * as z from "zod";
import type { Config } from "../config.ts";
import { REQUEST_SIGNATURE_MODES } from "../contract/request-signature/policy.ts";
import { REQUEST_KEY_ALGORITHMS } from "../contract/request-signature/request-key.ts";
import { parseAddressRange } from "../domain/address-range.ts";
import { checkNotifyUrl } from "../domain/notify-url.ts";
import { weaknessOfToken } from "../lib/weak-secret.ts";
import { changes, id, name, oneOf, requiredOr, strongIn, text } from "./common-schema.ts";

/** What the schemas need of the configuration. */
type SchemaConfig = Pick<Config, "environment" | "publicUrl">;

/** Bounds what is loaded with every app and compared with every request. */
const MAX_ALLOWED_ADDRESSES = 100;
/** Enough to recognise a wrong entry by. */
const MAX_QUOTED_CHARACTERS = 64;

const MAX_OVERLAP_SECONDS = 30 * 24 * 3600;

const yesOrNo = z.boolean({ error: "must be true or false" });

/** Settings that restrict what an app's requests can do. */
const restrictions = {
  requireAppOrderNo: yesOrNo,
  requireAppRefundNo: yesOrNo,
  /** Not empty, which could be meant as none or as any; `enabled` disables an app. */
  allowedAddresses: z
    .array(z.string({ error: "must be a string" }).superRefine(checkAllowedAddress), {
      error: "must be a list of addresses, or null for any",
    })
    .min(1, { error: "must have an entry, or be null for any address" })
    .max(MAX_ALLOWED_ADDRESSES, { error: `must have at most ${MAX_ALLOWED_ADDRESSES} entries` })
    .nullable(),
  canRefund: yesOrNo,
  maxRefundFenPerDay: z
    .int({ error: "must be a whole number of fen, or null for no limit" })
    .positive({ error: "must be positive; canRefund false allows no refund" })
    .nullable(),
};

/** The body of POST /admin/apps. */
export function newApp(config: SchemaConfig) {
  return z.strictObject({
    ...common(config),
    ...z.object(restrictions).partial().shape,
    notifyFailed: yesOrNo.optional(),
    salt: salt(config).optional(),
  });
}

/** The body of POST /admin/apps/:id/stage-salt. A salt is made when none is passed. */
export function stagedSalt(config: SchemaConfig) {
  return z.strictObject({ salt: salt(config).optional() });
}

/** The body of PATCH /admin/apps/:id. Secrets change by rotation only. */
export function appChanges(config: SchemaConfig) {
  return changes({
    ...common(config),
    ...restrictions,
    enabled: yesOrNo,
    notifyFailed: yesOrNo,
    requestSignature: oneOf(REQUEST_SIGNATURE_MODES),
  });
}

/**
 * The body of POST /admin/apps/:id/rotate-… and …/activate-salt. The overlap has no default: only the operator knows how
 * long an app needs to switch.
 */
export const rotation = z.strictObject({
  overlapSeconds: z
    .int({ error: requiredOr("must be a whole number of seconds") })
    .min(0, { error: "must be 0 or more" })
    .max(MAX_OVERLAP_SECONDS, { error: `must be at most ${MAX_OVERLAP_SECONDS} (30 days)` }),
});

/** What is asked of a key to sign requests with. Only a public key is the app's to bring. */
export const newRequestKey = z
  .strictObject({
    algorithm: oneOf(REQUEST_KEY_ALGORITHMS),
    publicKeyPem: z.string({ error: "must be a string" }).optional(),
  })
  .superRefine(({ algorithm, publicKeyPem }, context) => {
    if ((algorithm === "ed25519") === (publicKeyPem !== undefined)) return;
    const message =
      publicKeyPem === undefined
        ? "is required"
        : "is for ed25519 only: the gateway makes the secret";
    context.addIssue({ code: "custom", path: ["publicKeyPem"], message });
  });

function checkAllowedAddress(entry: string, context: z.RefinementCtx<string>): void {
  const range = parseAddressRange(entry);
  if (range.ok) return;
  // Quoted, unlike other values: it is no secret, and it stands in a list of a hundred.
  const quoted = JSON.stringify(entry.slice(0, MAX_QUOTED_CHARACTERS));
  context.addIssue({ code: "custom", message: `${quoted} ${range.error}` });
}

function salt({ environment }: SchemaConfig) {
  return text(
    /^[\x21-\x7e]{8,128}$/,
    "must be 8 to 128 printable ASCII characters without spaces",
  ).superRefine(strongIn(environment, weaknessOfToken));
}

function common(config: SchemaConfig) {
  const url = notifyUrl(config);
  return {
    name,
    merchantId: id,
    wechatAppId: text(
      /^wx[0-9a-zA-Z]{1,30}$/,
      "must be WeChat's app id: wx and 1 to 30 letters or digits",
    ),
    payNotifyUrl: url,
    refundNotifyUrl: url,
  };
}

function notifyUrl({ environment, publicUrl }: SchemaConfig) {
  const gateway = { isDevelopment: environment === "development", publicUrl };
  return z.string({ error: requiredOr("must be a string") }).transform((value, context) => {
    const url = checkNotifyUrl(value, gateway);
    if (url.ok) return url.value;
    context.addIssue({ code: "custom", message: url.error });
    return z.NEVER;
  });
}
