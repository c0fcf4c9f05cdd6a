import * as z from "zod";
import { startOfBeijingDay } from "../domain/beijing-time.ts";
import type { Result } from "../lib/result.ts";
import type { AdminError } from "./errors.ts";
import { validate } from "./body.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;

/** A whole number in a query string. */
export const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, { error: "must be a whole number" })
  .transform(Number);

const limit = wholeNumber
  .pipe(
    z
      .number()
      .min(1, { error: "must be at least 1" })
      .max(MAX_LIMIT, { error: `must be at most ${MAX_LIMIT}` }),
  )
  .default(DEFAULT_LIMIT);

/** A time in a query string, to Unix ms: itself in Unix ms, or a day in Beijing, which is its start. */
export const time = z.string().transform((text, context) => {
  const at = /^\d{1,15}$/.test(text) ? Number(text) : startOfBeijingDay(text);
  if (at !== null) return at;
  context.addIssue({ code: "custom", message: "must be Unix ms or a day in Beijing, YYYY-MM-DD" });
  return z.NEVER;
});

/** `sums=1` asks for the sums of the whole list. */
export const sums = z
  .enum(["0", "1"], { error: "must be 0 or 1" })
  .transform((flag) => flag === "1")
  .default(false);

/** The page of a list with the newest first: `limit` items with an id below `cursor`. */
export const descendingPage = { limit, cursor: wholeNumber.default(Number.MAX_SAFE_INTEGER) };

const pageQuery = z.strictObject({
  limit,
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, { error: "must be the nextCursor of an earlier response" })
    .transform(Number)
    .default(0),
});

/** The requested page of a list: `limit` items with an id above `cursor`. */
export type PageQuery = z.infer<typeof pageQuery>;

/** Reads `?limit=&cursor=`. On failure: a 400 that names the parameter. */
export function readPageQuery(query: Record<string, string>): Result<PageQuery, AdminError> {
  return validate(query, pageQuery);
}

/** A page of a list. `nextCursor` is null on the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: number | null;
}

/** The page of a list that was read one item past `size`: the extra item shows that there are more. */
export function pageOf<T extends { readonly id: number }>(
  found: readonly T[],
  size: number,
): Page<T> {
  const items = found.slice(0, size);
  return { items, nextCursor: found.length > size ? (items.at(-1)?.id ?? null) : null };
}
