import { z } from "zod";
import { BILL_COLUMNS } from "../bill/columns.ts";
import {
  API_CALLS,
  BILL_FAULTS,
  BILL_LINE_FAULTS,
  CALL_FAULTS,
  NOTIFICATION_FAULTS,
  NOTIFICATION_KINDS,
  returnsErrorCode,
  SIGNATURE_HEADERS,
} from "../ledger/fault-names.ts";
import { REFUND_RESULTS } from "../ledger/refunds.ts";
import { LINE_BREAKS, REFUND_OUTCOMES } from "../ledger/settings.ts";

const milliseconds = z.int().min(0).max(86_400_000);

/** An empty body. */
export const empty = z.strictObject({});

/** How the payer pays. */
export const payment = z.strictObject({
  notify: z.boolean().optional(),
  bridge: z
    .strictObject({
      appId: z.string(),
      timeStamp: z.string(),
      nonceStr: z.string(),
      package: z.string(),
      signType: z.string(),
      paySign: z.string(),
    })
    .optional(),
});

/** The outcome of a refund. */
export const refundOutcome = z.strictObject({
  status: z.enum(REFUND_RESULTS),
  notify: z.boolean().optional(),
});

/** A refund in the merchant platform. */
export const platformRefund = z.strictObject({
  refundFee: z.int().min(1).optional(),
  status: z.enum(REFUND_RESULTS).optional(),
  notifyUrl: z
    .string()
    .max(256)
    .regex(/^https?:\/\/[^\s?#]+$/, "an address without a query")
    .optional(),
});

/** Changes to the settings. */
export const settings = z.strictObject({
  notifyScale: z.number().min(0).max(1000).optional(),
  closeAfterMs: milliseconds.optional(),
  refundSpacingMs: milliseconds.optional(),
  refundOutcome: z.enum(REFUND_OUTCOMES).optional(),
  refundOutcomeAfterMs: milliseconds.optional(),
  probeRate: z.number().min(0).max(1).optional(),
  billsOfToday: z.boolean().optional(),
  billColumns: z.enum(BILL_COLUMNS).optional(),
  billBom: z.boolean().optional(),
  billLineBreak: z.enum(LINE_BREAKS).optional(),
  billFinalBreak: z.boolean().optional(),
  billExtraLines: z.int().min(0).max(10_000_000).optional(),
});

const commonFields = {
  times: z.int().min(1).max(1000).default(1),
  outTradeNo: z.string().min(1).max(32).optional(),
  delayMs: z.int().min(0).max(600_000).optional(),
  header: z.enum(SIGNATURE_HEADERS).optional(),
};

const HEADER_NOT_ALLOWED = { path: ["header"], error: "only for the fault missing-header" };

function isHeaderAllowed(it: {
  readonly fault: string;
  readonly header?: string | undefined;
}): boolean {
  return it.header === undefined || it.fault === "missing-header";
}

const callFault = z
  .strictObject({
    ...commonFields,
    on: z.literal("call"),
    path: z.enum(API_CALLS),
    fault: z.enum(CALL_FAULTS),
    errCode: z
      .string()
      .regex(/^[A-Z0-9_]{1,32}$/, "an err_code: capitals, digits and _")
      .optional(),
    errCodeDes: z.string().min(1).max(128).optional(),
    httpStatus: z.int().min(400).max(599).optional(),
  })
  .refine((it) => it.fault !== "refuse" || it.errCode !== undefined, {
    path: ["errCode"],
    error: "required for the fault refuse",
  })
  .refine((it) => it.errCode === undefined || returnsErrorCode(it.fault), {
    path: ["errCode"],
    error: "only for the faults refuse, systemerror and systemerror-after",
  })
  .refine((it) => it.httpStatus === undefined || returnsErrorCode(it.fault), {
    path: ["httpStatus"],
    error: "only for the faults refuse, systemerror and systemerror-after",
  })
  .refine(isHeaderAllowed, HEADER_NOT_ALLOWED);

const notificationFault = z
  .strictObject({
    ...commonFields,
    on: z.literal("notification"),
    kind: z.enum(NOTIFICATION_KINDS),
    fault: z.enum(NOTIFICATION_FAULTS),
  })
  .refine(isHeaderAllowed, HEADER_NOT_ALLOWED);

const LINE_FAULTS: ReadonlySet<string> = new Set(BILL_LINE_FAULTS);

const billFault = z
  .strictObject({
    on: z.literal("bill"),
    fault: z.enum(BILL_FAULTS),
    times: commonFields.times,
    outTradeNo: commonFields.outTradeNo,
    outRefundNo: z.string().min(1).max(64).optional(),
    mchId: z.string().min(1).max(32).optional(),
  })
  .refine((it) => it.outTradeNo === undefined || LINE_FAULTS.has(it.fault), {
    path: ["outTradeNo"],
    error: "only for the faults of a line",
  })
  .refine((it) => it.outRefundNo === undefined || LINE_FAULTS.has(it.fault), {
    path: ["outRefundNo"],
    error: "only for the faults of a line",
  })
  .refine(
    (it) =>
      (it.fault !== "missing-line" && it.fault !== "wrong-amount") ||
      (it.outTradeNo === undefined) !== (it.outRefundNo === undefined),
    { path: ["outTradeNo"], error: "this or outRefundNo is required, to name the line" },
  );

/** A fault to arm. */
export const fault = z.discriminatedUnion("on", [callFault, notificationFault, billFault]);
