import * as z from "zod";
import { beijingDayOf } from "../domain/beijing-time.ts";
import { billDay, DAY_MS } from "../domain/bill/day.ts";
import { RECONCILIATION_STATES } from "../domain/states.ts";
import { id, mustBe, requiredOr } from "./common-schema.ts";
import { descendingPage, wholeNumber } from "./page.ts";

/** WeChat keeps bills for three months (W-55), counted here as 30 days each. */
const BILL_RETENTION_DAYS = 90;

const A_DAY = "must be a day in Beijing, YYYY-MM-DD";

/** Body of POST /admin/reconciliations. The allowed days depend on the current time. */
export function reconciliation(nowAt: number) {
  const today = beijingDayOf(nowAt);
  const oldest = beijingDayOf(nowAt - BILL_RETENTION_DAYS * DAY_MS);
  return z.strictObject({
    merchantId: id,
    day: z
      .string({ error: requiredOr(A_DAY) })
      .refine((day) => billDay(day) !== null, { error: A_DAY, abort: true })
      // With the year first, days compare as text.
      .refine((day) => day <= today, { error: "must not be in the future", abort: true })
      .refine((day) => day >= oldest, {
        error: `must be at most ${BILL_RETENTION_DAYS} days ago: WeChat has no older bills`,
      }),
  });
}

const filter = {
  merchantId: wholeNumber.optional(),
  day: z
    .string()
    .refine((day) => billDay(day) !== null, { error: A_DAY })
    .optional(),
  state: z.enum(RECONCILIATION_STATES, { error: mustBe(RECONCILIATION_STATES) }).optional(),
};

/** Query of GET /admin/reconciliations. */
export const reconciliationQuery = z.strictObject({ ...filter, ...descendingPage });

/** Query of GET /admin/reconciliations.csv: the list's filters. */
export const reconciliationExport = z.strictObject(filter);
