import * as z from "zod";
import type { Config } from "../config.ts";
import { weaknessOfKey } from "../lib/weak-secret.ts";

/**
 * Field types shared by the request schemas. Messages say what is expected and never repeat the
 * value, which may be a secret.
 */

/** A string that matches a pattern; `expected` continues the field's name: "must be …". */
export function text(pattern: RegExp, expected: string): z.ZodString {
  return z.string({ error: requiredOr("must be a string") }).regex(pattern, { error: expected });
}

/** A display name. */
export const name = z
  .string({ error: requiredOr("must be a string") })
  .trim()
  // A lone surrogate has no UTF-8 form: it would be stored as another character.
  .regex(/^[^\p{Cc}\p{Cs}]{1,64}$/u, {
    error: "must have 1 to 64 characters and no control characters",
  });

/** A row's id. */
export const id = z
  .int({ error: requiredOr("must be a whole number") })
  .positive({ error: "must be positive" });

/** A value of a closed set, in a body where it is required. */
export function oneOf<const Values extends readonly [string, ...string[]]>(
  values: Values,
): z.ZodEnum<{ [Value in Values[number]]: Value }> {
  return z.enum(values, { error: requiredOr(mustBe(values)) });
}

/** "must be a, b or c", for a set of two or more values. */
export function mustBe(values: readonly string[]): string {
  return `must be ${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
}

/**
 * For `superRefine`: outside development, refuses a secret that is weak or published. A malformed one
 * has its own message already.
 */
export function strongIn(
  environment: Config["environment"],
  weaknessOf: (secret: string) => string | null,
): (secret: string, context: z.RefinementCtx) => void {
  return (secret, context) => {
    if (environment === "development" || context.issues.length > 0) return;
    const message = weaknessOf(secret);
    if (message !== null) context.addIssue({ code: "custom", message });
  };
}

/** A merchant's key of APIv2 or APIv3. */
export function symmetricKey(api: "APIv2" | "APIv3", environment: Config["environment"]) {
  return text(
    /^[\x21-\x7e]{32}$/,
    `must be the ${api} key: exactly 32 printable ASCII characters`,
  ).superRefine(strongIn(environment, (key) => weaknessOfKey(new TextEncoder().encode(key))));
}

/** A field that a PATCH must not contain, with the reason. */
export function fixed(reason: string): z.ZodOptional<z.ZodNever> {
  return z.never({ error: reason }).optional();
}

/** An object with optional fields that must have at least one of them. */
export function changes<Shape extends z.ZodRawShape>(shape: Shape) {
  return z
    .strictObject(shape)
    .partial()
    .refine((value) => Object.keys(value).length > 0, {
      error: "must name a field to change",
    });
}

/** The message "is required" for an absent value, `expected` for a wrong one. */
export function requiredOr(expected: string): (issue: { readonly input?: unknown }) => string {
  return (issue) => (issue.input === undefined ? "is required" : expected);
}
