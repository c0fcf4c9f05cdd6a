import * as z from "zod";
import type { Protocol } from "../wechat/types.ts";
import { changes, fixed, name, oneOf, text, requiredOr } from "./common-schema.ts";
import { fitCredentials, v3Fields } from "./v3-schema.ts";

/** What is asked of a new merchant. `env`: the Worker's bindings, of which one may be its certificate. */
export function newMerchant(env: Env) {
  const { protocol, ...fields } = common(env);
  return requireCredentials(
    z.strictObject({
      ...z.object(fields).partial().shape,
      name,
      // WeChat's numbers have 8 to 10 digits today; its pages promise no more than a string of 32.
      mchId: text(
        /^[0-9A-Za-z_-]{1,32}$/,
        "must be WeChat's merchant number: 1 to 32 letters or digits",
      ),
      protocol,
    }),
  ).transform(fitCredentials);
}

/** What may be changed of a merchant. What its protocol lacks is the stored record's to tell. */
export function merchantChanges(env: Env) {
  return changes({
    ...common(env),
    mchId: fixed("can't change: orders live under it at WeChat; register another merchant"),
  }).transform(fitCredentials);
}

/** Which credentials a merchant has, of those that its protocol may need. */
export type Credentials = Partial<Record<(typeof NEEDED)[Protocol][number], unknown>>;

const NEEDED = {
  v2: ["apiKey"],
  v3: ["apiV3Key", "merchantSerialNo", "merchantPrivateKey"],
} as const;

/** The fields that a protocol needs and that none of `sources` has. */
export function missingCredentials(protocol: Protocol, ...sources: Credentials[]): string[] {
  return NEEDED[protocol].filter((field) => sources.every((source) => source[field] === undefined));
}

/**
 * Names what is missing along with what is wrong, in one answer. Without a protocol v2 is assumed,
 * whose credentials are the fewest.
 */
function requireCredentials<Shape extends z.ZodObject>(schema: Shape): Shape {
  return Object.values(NEEDED)
    .flat()
    .reduce(
      (checked, field) =>
        checked.refine(
          (given: Credentials & { readonly protocol?: unknown }) =>
            !missingCredentials(given.protocol === "v3" ? "v3" : "v2", withSerial(given)).includes(
              field,
            ),
          { path: [field], error: "is required", when: () => true },
        ),
      schema,
    );
}

/** A certificate names its own serial number. */
function withSerial(given: Credentials & { readonly merchantCertificate?: unknown }): Credentials {
  return { ...given, merchantSerialNo: given.merchantSerialNo ?? given.merchantCertificate };
}

/** WeChat's own default is MD5; HMAC-SHA256 is the stronger one. */
const signType = oneOf("MD5", "HMAC-SHA256");

function common(env: Env) {
  return {
    name,
    protocol: oneOf("v2", "v3"),
    apiKey: text(
      /^[\x21-\x7e]{32}$/,
      "must be the APIv2 key: exactly 32 printable ASCII characters",
    ),
    signType,
    certBinding: certBinding(env).nullable(),
    ...v3Fields,
  };
}

/** Checked now: a name without a binding would be noticed at the first refund only. */
function certBinding(env: Env) {
  const expected = "must be the name of an mTLS binding of this Worker, or null";
  return z
    .string({ error: requiredOr(expected) })
    .refine((binding) => canFetch(env, binding), { error: expected });
}

function canFetch(env: Env, binding: string): boolean {
  if (!Object.hasOwn(env, binding)) return false;
  const value: unknown = Reflect.get(env, binding);
  return (
    typeof value === "object" &&
    value !== null &&
    "fetch" in value &&
    typeof value.fetch === "function"
  );
}
