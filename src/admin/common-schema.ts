import * as z from "zod";

/**
 * The kinds of field that requests are made of. Messages say what is expected and never repeat the
 * value given, which may be a secret.
 */

/** A string by a pattern; `expected` goes on from the field's name: "must be …". */
export function text(pattern: RegExp, expected: string): z.ZodString {
  return z.string({ error: requiredOr("must be a string") }).regex(pattern, { error: expected });
}

/** What people call it. */
export const name = z
  .string({ error: requiredOr("must be a string") })
  .trim()
  // Half a surrogate pair has no UTF-8 form: it would be stored as something else.
  .regex(/^[^\p{Cc}\p{Cs}]{1,64}$/u, {
    error: "must have 1 to 64 characters, none of them a control character",
  });

/** A row's id. */
export const id = z
  .int({ error: requiredOr("must be a whole number") })
  .positive({ error: "must be positive" });

/** One of a few words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(
  ...words: Words
): z.ZodEnum<{ [Word in Words[number]]: Word }> {
  return z.enum(words, { error: requiredOr(`must be ${words.join(" or ")}`) });
}

/** A field that a PATCH may not carry, with the reason. */
export function fixed(reason: string): z.ZodOptional<z.ZodNever> {
  return z.never({ error: reason }).optional();
}

/** An object of which at least one field must be given. */
export function changes<Shape extends z.ZodRawShape>(shape: Shape) {
  return z
    .strictObject(shape)
    .partial()
    .refine((given) => Object.keys(given).length > 0, {
      error: "must name a field to change",
    });
}

/** Tells an absent value from a wrong one. */
export function requiredOr(expected: string): (issue: { readonly input?: unknown }) => string {
  return (issue) => (issue.input === undefined ? "is required" : expected);
}
