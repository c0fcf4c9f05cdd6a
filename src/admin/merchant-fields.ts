import * as z from "zod";
import { changes, fixed, name, oneOf, requiredOr, text } from "./fields.ts";

/** What is asked of a new merchant. `env`: the Worker's bindings, of which one may be its certificate. */
export function newMerchant(env: Env) {
  return z.strictObject({
    ...common(env),
    // WeChat's numbers have 8 to 10 digits today; its pages promise no more than a string of 32.
    mchId: text(
      /^[0-9A-Za-z_-]{1,32}$/,
      "must be WeChat's merchant number: 1 to 32 letters or digits",
    ),
    protocol: z.literal("v2", {
      error: (issue) =>
        issue.input === "v3"
          ? "v3 is not offered yet: only v2 is"
          : requiredOr("must be v2")(issue),
    }),
    signType: signType.default("MD5"),
    certBinding: certBinding(env).nullable().default(null),
  });
}

/** What may be changed of a merchant. */
export function merchantChanges(env: Env) {
  return changes({
    ...common(env),
    mchId: fixed("can't change: orders live under it at WeChat; register another merchant"),
    protocol: fixed("can't change: orders are signed by it; register another merchant"),
  });
}

/** WeChat's own default is MD5; HMAC-SHA256 is the stronger one. */
const signType = oneOf("MD5", "HMAC-SHA256");

function common(env: Env) {
  return {
    name,
    apiKey: text(
      /^[\x21-\x7e]{32}$/,
      "must be the APIv2 key: exactly 32 printable ASCII characters",
    ),
    signType,
    certBinding: certBinding(env).nullable(),
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
