import * as z from "zod";
import type { Config } from "../config.ts";
import { REFUND_FUNDS } from "../domain/states.ts";
import { PROTOCOLS, V2_SIGN_TYPES, type Protocol } from "../wechat/types.ts";
import { changes, fixed, name, oneOf, requiredOr, symmetricKey, text } from "./common-schema.ts";
import { combineCredentials, v3Fields } from "./v3-schema.ts";

/** Body of POST /admin/merchants. `env`: the Worker's bindings, where a certificate is looked up. */
export function newMerchant(env: Env, environment: Config["environment"]) {
  const { protocol, ...fields } = common(env, environment);
  return requireCredentials(
    z.strictObject({
      ...z.object(fields).partial().shape,
      name,
      // WeChat's numbers have 8 to 10 digits today; its documents say a string of up to 32.
      mchId: text(
        /^[0-9A-Za-z_-]{1,32}$/,
        "must be WeChat's merchant number: 1 to 32 letters or digits",
      ),
      protocol,
    }),
  ).transform(combineCredentials);
}

/**
 * Body of PATCH /admin/merchants/:id. Whether credentials are missing depends on the stored record,
 * so the route checks it.
 */
export function merchantChanges(env: Env, environment: Config["environment"]) {
  return changes({
    ...common(env, environment),
    mchId: fixed("can't change: orders belong to it at WeChat; register another merchant"),
  }).transform(combineCredentials);
}

/** The credentials that a merchant has, of those that a protocol may need. */
export type Credentials = Partial<Record<(typeof REQUIRED_FIELDS)[Protocol][number], unknown>>;

const REQUIRED_FIELDS = {
  v2: ["apiKey"],
  v3: ["apiV3Key", "merchantSerialNo", "merchantPrivateKey"],
} as const;

/** The fields that the protocol requires and that all `sources` lack. */
export function missingCredentials(protocol: Protocol, ...sources: Credentials[]): string[] {
  return REQUIRED_FIELDS[protocol].filter((field) =>
    sources.every((source) => source[field] === undefined),
  );
}

/**
 * Reports missing fields together with invalid ones. Assumes v2, which requires the fewest, when the
 * protocol is absent.
 */
function requireCredentials<Shape extends z.ZodObject>(schema: Shape): Shape {
  return Object.values(REQUIRED_FIELDS)
    .flat()
    .reduce(
      (refined, field) =>
        refined.refine(
          (value: Credentials & { readonly protocol?: unknown }) =>
            !missingCredentials(value.protocol === "v3" ? "v3" : "v2", withSerial(value)).includes(
              field,
            ),
          { path: [field], error: "is required", when: () => true },
        ),
      schema,
    );
}

/** A certificate contains its serial number, so it satisfies that field too. */
function withSerial(value: Credentials & { readonly merchantCertificate?: unknown }): Credentials {
  return { ...value, merchantSerialNo: value.merchantSerialNo ?? value.merchantCertificate };
}

function common(env: Env, environment: Config["environment"]) {
  return {
    name,
    protocol: oneOf(PROTOCOLS),
    apiKey: symmetricKey("APIv2", environment),
    /** WeChat's default is MD5; HMAC-SHA256 is stronger. */
    signType: oneOf(V2_SIGN_TYPES),
    certBinding: certBinding(env).nullable(),
    refundFunds: oneOf(REFUND_FUNDS),
    ...v3Fields(environment),
  };
}

/** Checked here because a name without a binding would fail only at the first refund. */
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
