import * as z from "zod";
import type { Config } from "../config.ts";
import { REQUEST_SIGNATURE_MODES } from "../contract/request-signature/policy.ts";
import { REQUEST_KEY_ALGORITHMS } from "../contract/request-signature/request-key.ts";
import { checkNotifyUrl } from "../domain/notify-url.ts";
import { changes, id, name, oneOf, requiredOr, text } from "./common-schema.ts";

/** The salt in the published description of the signing rule: anyone can sign with it. */
const PUBLISHED_SALT = "992a7f0b35d90fa9d45fe7a669414fbb";

const MAX_OVERLAP_SECONDS = 30 * 24 * 3600;

/** The body of POST /admin/apps. */
export function newApp(environment: Config["environment"]) {
  return z.strictObject({
    ...common(environment),
    salt: text(/^[\x21-\x7e]{8,128}$/, "must be 8 to 128 printable ASCII characters without spaces")
      .refine((salt) => salt !== PUBLISHED_SALT || environment === "development", {
        error: "is the published demo salt, which is allowed in development only",
      })
      .optional(),
  });
}

/** The body of PATCH /admin/apps/:id. Secrets change by rotation only. */
export function appChanges(environment: Config["environment"]) {
  return changes({
    ...common(environment),
    enabled: z.boolean({ error: "must be true or false" }),
    requestSignature: oneOf(REQUEST_SIGNATURE_MODES),
  });
}

/**
 * The body of POST /admin/apps/:id/rotate-…. The overlap has no default: only the operator knows how
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

function common(environment: Config["environment"]) {
  const url = notifyUrl(environment === "development");
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

function notifyUrl(loopbackAllowed: boolean) {
  return z.string({ error: requiredOr("must be a string") }).transform((value, context) => {
    const url = checkNotifyUrl(value, { loopbackAllowed });
    if (url.ok) return url.value;
    context.addIssue({ code: "custom", message: url.error });
    return z.NEVER;
  });
}
