import * as z from "zod";
import { DELIVERY_EVENTS, NOTIFY_STATES, PAY_STATES } from "../domain/states.ts";
import { mustBe } from "./common-schema.ts";
import { descendingPage, wholeNumber } from "./page.ts";

/** Query of GET /admin/orders. Times are Unix ms. */
export const orderQuery = z.strictObject({
  appId: wholeNumber.optional(),
  merchantId: wholeNumber.optional(),
  payState: z.enum(PAY_STATES, { error: mustBe(PAY_STATES) }).optional(),
  payNotifyState: z.enum(NOTIFY_STATES, { error: mustBe(NOTIFY_STATES) }).optional(),
  number: z.string().max(64, { error: "must have at most 64 characters" }).optional(),
  appOrderNo: z.string().max(64, { error: "must have at most 64 characters" }).optional(),
  createdFrom: wholeNumber.optional(),
  createdBefore: wholeNumber.optional(),
  ...descendingPage,
});

/** Body of POST /admin/orders/:id/redeliver. Without `refundNo` it means the latest refund. */
export const redelivery = z
  .strictObject({
    event: z.enum(DELIVERY_EVENTS, { error: mustBe(DELIVERY_EVENTS) }),
    refundNo: z
      .string({ error: "must be a string" })
      .regex(/^[A-Za-z0-9_-]{1,64}$/, { error: "must be a refund's number" })
      .optional(),
  })
  .refine(({ event, refundNo }) => event === "refund" || refundNo === undefined, {
    error: "is allowed with the event refund only",
    path: ["refundNo"],
  });
