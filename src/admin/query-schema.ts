import * as z from "zod";

/** A whole number in a query. */
export const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, { error: "must be a whole number" })
  .transform(Number);

/** Of a list with the newest first: `cursor` is the `nextCursor` of an earlier answer. */
export const descendingPage = {
  limit: wholeNumber
    .pipe(
      z.number().min(1, { error: "must be at least 1" }).max(100, { error: "must be at most 100" }),
    )
    .default(50),
  cursor: wholeNumber.default(Number.MAX_SAFE_INTEGER),
};
