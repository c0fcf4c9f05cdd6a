import * as z from "zod";
import { NOTIFY_STATES, PAY_STATES } from "../domain/states.ts";
import { descendingPage, wholeNumber } from "./query-schema.ts";

/** `?…` of GET /admin/orders. Times are Unix ms; `cursor` is the `nextCursor` of an earlier answer. */
export const orderQuery = z.strictObject({
  appId: wholeNumber.optional(),
  merchantId: wholeNumber.optional(),
  payState: z.enum(PAY_STATES, { error: "must be waiting, failed or paid" }).optional(),
  payNotifyState: z.enum(NOTIFY_STATES, { error: "must be none, failing or confirmed" }).optional(),
  number: z.string().max(64, { error: "must have at most 64 characters" }).optional(),
  appOrderNo: z.string().max(64, { error: "must have at most 64 characters" }).optional(),
  createdFrom: wholeNumber.optional(),
  createdBefore: wholeNumber.optional(),
  ...descendingPage,
});

/** Body of POST /admin/orders/:id/redeliver. Without `refundNo`, the latest refund is meant. */
export const redelivery = z
  .strictObject({
    event: z.enum(["pay", "refund"], { error: "must be pay or refund" }),
    refundNo: z
      .string({ error: "must be a string" })
      .regex(/^[A-Za-z0-9_-]{1,64}$/, { error: "must be a refund's number" })
      .optional(),
  })
  .refine(({ event, refundNo }) => event === "refund" || refundNo === undefined, {
    error: "goes with the event refund only",
    path: ["refundNo"],
  });
