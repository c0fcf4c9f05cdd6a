import * as z from "zod";
import type { Refusal } from "./refusal.ts";
import type { Result } from "../lib/result.ts";
import {
  AMOUNT_LIMIT,
  APP_NUMBER_LIMIT,
  appNumber,
  bytes,
  characters,
  id,
  ID_LIMIT,
  type Limits,
  MAX_TOTAL_FEN,
  optional,
  optionalInteger,
  platform,
  readFields,
  within,
} from "./fields.ts";
import type { Parameters } from "./parameter-set.ts";
import { MAX_REASON_BYTES, wechatTextFault } from "./text.ts";

/** A validated refund request. */
export interface RefundMoney {
  readonly orderId: number;
  /** Null means everything that is left. */
  readonly refundFen: number | null;
  /** The app's own refund number, unique per app. */
  readonly appRefundNo: string | null;
  /** WeChat shows it to the payer. */
  readonly refundReason: string | null;
}

export const REFUND_MONEY_LIMITS = {
  platForm: characters(1),
  order_id: ID_LIMIT,
  refundFree: AMOUNT_LIMIT,
  appRefundNo: APP_NUMBER_LIMIT,
  refundReason: bytes(MAX_REASON_BYTES),
} satisfies Limits;

const schema = z
  .object({
    platForm: platform,
    order_id: id,
    refundFree: optionalInteger(MAX_TOTAL_FEN, "（单位：分）"),
    appRefundNo: appNumber,
    refundReason: optional(within(REFUND_MONEY_LIMITS.refundReason, wechatTextFault)),
  })
  .transform(({ order_id, refundFree, appRefundNo, refundReason }): RefundMoney => ({
    orderId: order_id,
    refundFen: refundFree,
    appRefundNo,
    refundReason,
  }));

/**
 * Contract: refund-money. Invalid parameters are a 501; see `readFields`. Whether
 * `appRefundNo` is required depends on the order's remaining amount, which isn't known here.
 */
export function parseRefundMoney(parameters: Parameters): Result<RefundMoney, Refusal> {
  return readFields(schema, Object.keys(REFUND_MONEY_LIMITS), parameters);
}
