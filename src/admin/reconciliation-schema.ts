import * as z from "zod";
import { beijingDayOf } from "../domain/beijing-time.ts";
import { billDay, DAY_MS } from "../domain/bill/day.ts";
import { id, requiredOr } from "./common-schema.ts";
import { descendingPage, wholeNumber } from "./query-schema.ts";

/** WeChat keeps bills for three months (W-55); a month counts as 30 days here. */
const BILLS_KEPT_DAYS = 90;

const A_DAY = "must be a day in Beijing, YYYY-MM-DD";

/** Body of POST /admin/reconciliations, at a given time. */
export function reconciliation(nowAt: number) {
  const today = beijingDayOf(nowAt);
  const oldest = beijingDayOf(nowAt - BILLS_KEPT_DAYS * DAY_MS);
  return z.strictObject({
    merchantId: id,
    day: z
      .string({ error: requiredOr(A_DAY) })
      .refine((day) => billDay(day) !== null, { error: A_DAY, abort: true })
      // Written with the year first, days compare as text.
      .refine((day) => day <= today, { error: "must not lie in the future", abort: true })
      .refine((day) => day >= oldest, {
        error: `must be at most ${BILLS_KEPT_DAYS} days ago: WeChat has no older bills`,
      }),
  });
}

/** `?…` of GET /admin/reconciliations; `cursor` is the `nextCursor` of an earlier answer. */
export const reconciliationQuery = z.strictObject({
  merchantId: wholeNumber.optional(),
  day: z
    .string()
    .refine((day) => billDay(day) !== null, { error: A_DAY })
    .optional(),
  state: z
    .enum(["running", "waiting", "done", "failed"], {
      error: "must be running, waiting, done or failed",
    })
    .optional(),
  ...descendingPage,
});
