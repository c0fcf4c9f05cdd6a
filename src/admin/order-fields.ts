import * as z from "zod";

/** A number in a query string. */
export const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, { error: "must be a whole number" })
  .transform(Number);

/** `?…` of GET /admin/orders. Times are Unix ms; `cursor` is the `nextCursor` of an earlier answer. */
export const orderQuery = z.strictObject({
  appId: wholeNumber.optional(),
  merchantId: wholeNumber.optional(),
  payState: z
    .enum(["waiting", "failed", "paid"], { error: "must be waiting, failed or paid" })
    .optional(),
  payNotifyState: z
    .enum(["none", "failing", "confirmed"], { error: "must be none, failing or confirmed" })
    .optional(),
  number: z.string().max(64, { error: "must have at most 64 characters" }).optional(),
  appOrderNo: z.string().max(64, { error: "must have at most 64 characters" }).optional(),
  createdFrom: wholeNumber.optional(),
  createdBefore: wholeNumber.optional(),
  limit: wholeNumber
    .pipe(
      z.number().min(1, { error: "must be at least 1" }).max(100, { error: "must be at most 100" }),
    )
    .default(50),
  cursor: wholeNumber.default(Number.MAX_SAFE_INTEGER),
});

/** Body of POST /admin/orders/:id/redeliver. */
export const redelivery = z.strictObject({
  event: z.enum(["pay", "refund"], { error: "must be pay or refund" }),
});
