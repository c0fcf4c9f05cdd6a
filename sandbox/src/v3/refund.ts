import { z } from "zod";
import { FUNDS_ACCOUNTS } from "../ledger/refunds.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { locateOrder } from "../rules/find-order.ts";
import { requestRefund } from "../rules/request-refund.ts";
import { ERROR_CODES } from "./error-codes.ts";
import {
  businessParams,
  currency,
  fen,
  fenOrZero,
  notifyUrl,
  outRefundNo,
  outTradeNo,
  text,
  transactionId,
} from "./fields.ts";
import { refundResource } from "./query-refund.ts";
import { apiError, success, type ApiResponse } from "./response.ts";

/** Body of the refund (W-83). */
export const refundBody = z
  .strictObject({
    transaction_id: transactionId.optional(),
    out_trade_no: outTradeNo.optional(),
    out_refund_no: outRefundNo,
    reason: text(80).optional(),
    notify_url: notifyUrl(256).optional(),
    funds_account: z.enum(FUNDS_ACCOUNTS).optional(),
    amount: z.strictObject({
      refund: fen,
      total: fen,
      currency,
      from: z
        .array(z.strictObject({ account: z.enum(["AVAILABLE", "UNAVAILABLE"]), amount: fen }))
        .optional(),
    }),
    goods_detail: z
      .array(
        z.strictObject({
          merchant_goods_id: text(32),
          wechatpay_goods_id: text(32).optional(),
          goods_name: text(256).optional(),
          unit_price: fenOrZero,
          refund_amount: fenOrZero,
          refund_quantity: z.int().min(1),
        }),
      )
      .optional(),
  })
  .refine((it) => (it.transaction_id === undefined) !== (it.out_trade_no === undefined), {
    path: ["out_trade_no"],
    error: "transaction_id和out_trade_no二选一",
  });
export type RefundBody = z.infer<typeof refundBody>;

// This call has no ORDER_NOT_EXIST.
const NO_ORDER = apiError("RESOURCE_NOT_EXISTS", "订单不存在");

/** POST /v3/refund/domestic/refunds. 200 means that it is accepted (W-83). */
export function refund(ledger: LedgerTransaction, mchId: string, body: RefundBody): ApiResponse {
  const { refund: refundFee, total: totalFee } = body.amount;
  if (refundFee > totalFee) return ERROR_CODES["refund-above-total"];
  const order = locateOrder(ledger, mchId, {
    transactionId: body.transaction_id ?? null,
    outTradeNo: body.out_trade_no ?? null,
  });
  if (!order.ok) return NO_ORDER;
  const accepted = requestRefund(ledger, order.value, {
    protocol: "v3",
    outRefundNo: body.out_refund_no,
    refundFee,
    totalFee,
    notifyUrl: body.notify_url ?? null,
    account: body.funds_account ?? "AVAILABLE",
    params: businessParams(body),
  });
  return accepted.ok
    ? success(refundResource(accepted.value, order.value))
    : ERROR_CODES[accepted.error];
}
