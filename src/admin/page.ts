import * as z from "zod";
import type { Result } from "../lib/result.ts";
import type { AdminError } from "./errors.ts";
import { checked } from "./body.ts";

const LIMIT_DEFAULT = 50;
const LIMIT_MOST = 100;

const pageQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,3}$/, { error: "must be a whole number" })
    .transform(Number)
    .pipe(
      z
        .number()
        .min(1, { error: "must be at least 1" })
        .max(LIMIT_MOST, { error: `must be at most ${LIMIT_MOST}` }),
    )
    .default(LIMIT_DEFAULT),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, { error: "must be the nextCursor of an earlier answer" })
    .transform(Number)
    .default(0),
});

/** Which part of a list is asked for: `limit` items with an id above `cursor`. */
export type PageQuery = z.infer<typeof pageQuery>;

/** Reads `?limit=&cursor=`. On failure a 400 that names the parameter. */
export function readPageQuery(query: Record<string, string>): Result<PageQuery, AdminError> {
  return checked(query, pageQuery);
}

/** One page of a list. `nextCursor` is null on the last one. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: number | null;
}

/** Cuts a page out of a list that was read one item past the limit: the extra one says there is more. */
export function pageOf<T extends { readonly id: number }>(
  found: readonly T[],
  limit: number,
): Page<T> {
  const items = found.slice(0, limit);
  return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}
