import * as z from "zod";
import { byteLimitFault, MAX_REASON_BYTES, wechatTextFault } from "../contract/text.ts";
import { DELIVERY_EVENTS, NOTIFY_STATES, PAY_STATES, REFUND_STATES } from "../domain/states.ts";
import { MAX_TOTAL_FEN } from "../contract/fields.ts";
import { mustBe } from "./common-schema.ts";
import { descendingPage, sums, time, wholeNumber } from "./page.ts";

/** The longest number by which an order is known: WeChat's `out_refund_no`. */
const MAX_NUMBER_LENGTH = 64;

const number = z
  .string()
  .max(MAX_NUMBER_LENGTH, { error: `must have at most ${MAX_NUMBER_LENGTH} characters` });

const filter = {
  // Copied from a bill, a number has a backtick before it; from our own exports, a tab.
  q: z
    .string()
    .transform((text) => text.trim().replace(/^`/, ""))
    .pipe(number.min(1, { error: `must have 1 to ${MAX_NUMBER_LENGTH} characters` }))
    .optional(),
  appId: wholeNumber.optional(),
  merchantId: wholeNumber.optional(),
  payState: z.enum(PAY_STATES, { error: mustBe(PAY_STATES) }).optional(),
  payNotifyState: z.enum(NOTIFY_STATES, { error: mustBe(NOTIFY_STATES) }).optional(),
  refundState: z.enum(REFUND_STATES, { error: mustBe(REFUND_STATES) }).optional(),
  number: number.optional(),
  appOrderNo: number.optional(),
  openId: z.string().max(128, { error: "must have at most 128 characters" }).optional(),
  totalFen: wholeNumber.optional(),
  createdFrom: time.optional(),
  createdBefore: time.optional(),
  paidFrom: time.optional(),
  paidBefore: time.optional(),
};

/** Query of GET /admin/orders. */
export const orderQuery = z.strictObject({ ...filter, sums, ...descendingPage });

/** Query of GET /admin/orders.csv: the list's filters. */
export const orderExport = z.strictObject(filter);

/** Body of POST /admin/orders/:id/refund; as an app's request for a refund. */
export const operatorRefund = z.strictObject({
  refundFen: z
    .int({ error: "must be a whole number of fen" })
    .positive({ error: "must be positive" })
    .max(MAX_TOTAL_FEN, { error: `must be at most ${MAX_TOTAL_FEN}` })
    .optional(),
  appRefundNo: z
    .string({ error: "must be a string" })
    .regex(/^[A-Za-z0-9_-]{1,64}$/, { error: "must be 1 to 64 of A-Z a-z 0-9 _ -" })
    .optional(),
  refundReason: z
    .string({ error: "must be a string" })
    .refine((text) => text !== "" && byteLimitFault(text, MAX_REASON_BYTES) === null, {
      error: `must have 1 to ${MAX_REASON_BYTES} bytes of UTF-8`,
    })
    .refine((text) => wechatTextFault(text) === null, {
      error: "must not contain emoji or control characters",
    })
    .optional(),
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
