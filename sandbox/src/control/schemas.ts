import { z } from "zod";
import {
  API_CALLS,
  CALL_FAULTS,
  NOTIFICATION_FAULTS,
  NOTIFICATION_KINDS,
} from "../ledger/faults.ts";
import { REFUND_RESULTS } from "../ledger/refunds.ts";
import { REFUND_OUTCOMES } from "../ledger/settings.ts";

const appId = z.string().regex(/^wx[0-9A-Za-z]{1,30}$/, "an appid: wx, then letters and digits");
const milliseconds = z.int().min(0).max(86_400_000);

/** A body that says nothing. */
export const nothing = z.strictObject({});

export const merchant = z.strictObject({
  mchId: z.string().regex(/^\d{6,32}$/, "6 to 32 digits"),
  apiKey: z.string().regex(/^[0-9A-Za-z]{32}$/, "32 letters and digits"),
  appIds: z.array(appId).min(1).max(50),
});

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

export const refundOutcome = z.strictObject({
  status: z.enum(REFUND_RESULTS),
  notify: z.boolean().optional(),
});

export const settings = z.strictObject({
  notifyScale: z.number().min(0).max(1000).optional(),
  closeAfterMs: milliseconds.optional(),
  refundSpacingMs: milliseconds.optional(),
  refundOutcome: z.enum(REFUND_OUTCOMES).optional(),
  refundOutcomeAfterMs: milliseconds.optional(),
});

const anyFault = {
  times: z.int().min(1).max(1000).default(1),
  outTradeNo: z.string().min(1).max(32).optional(),
  delayMs: z.int().min(0).max(600_000).optional(),
};

// The only call faults that have a code to tell.
const WITH_CODE = new Set(["refuse", "systemerror", "systemerror-after"]);

const callFault = z
  .strictObject({
    ...anyFault,
    on: z.literal("call"),
    path: z.enum(API_CALLS),
    fault: z.enum(CALL_FAULTS),
    errCode: z
      .string()
      .regex(/^[A-Z0-9_]{1,32}$/, "an err_code: capitals, digits and _")
      .optional(),
    errCodeDes: z.string().min(1).max(128).optional(),
  })
  .refine((it) => it.fault !== "refuse" || it.errCode !== undefined, {
    path: ["errCode"],
    error: "required for the fault refuse",
  })
  .refine((it) => it.errCode === undefined || WITH_CODE.has(it.fault), {
    path: ["errCode"],
    error: "only for the faults refuse, systemerror and systemerror-after",
  });

const notificationFault = z.strictObject({
  ...anyFault,
  on: z.literal("notification"),
  kind: z.enum(NOTIFICATION_KINDS),
  fault: z.enum(NOTIFICATION_FAULTS),
});

export const fault = z.discriminatedUnion("on", [callFault, notificationFault]);
