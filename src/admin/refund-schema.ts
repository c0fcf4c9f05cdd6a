import * as z from "zod";
import { REFUND_STATES } from "../domain/states.ts";
import { mustBe } from "./common-schema.ts";
import { descendingPage, sums, time, wholeNumber } from "./page.ts";

const filter = {
  appId: wholeNumber.optional(),
  merchantId: wholeNumber.optional(),
  state: z.enum(REFUND_STATES, { error: mustBe(REFUND_STATES) }).optional(),
  createdFrom: time.optional(),
  createdBefore: time.optional(),
};

/** Query of GET /admin/refunds. */
export const refundQuery = z.strictObject({ ...filter, sums, ...descendingPage });

/** Query of GET /admin/refunds.csv: the list's filters. */
export const refundExport = z.strictObject(filter);
