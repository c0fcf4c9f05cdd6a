import type { Refusal } from "../rules/refusal.ts";
import { businessFailure, communicationFailure, type Failure } from "./response.ts";

/** The failure of each refusal (W-06, W-21, W-31, W-35, W-42). */
export const ERROR_CODES: Readonly<Record<Refusal, Failure>> = {
  "no-order": businessFailure("ORDERNOTEXIST", "订单不存在"),
  "no-transaction": businessFailure("ORDERNOTEXIST", "订单不存在"),
  "order-paid": businessFailure("ORDERPAID", "该订单已支付"),
  "order-closed": businessFailure("ORDERCLOSED", "该订单已关闭"),
  "order-repeated-otherwise": businessFailure(
    "INVALID_REQUEST",
    "请求重入时,参数与首次请求时不一致",
  ),
  "order-expires-too-soon": communicationFailure(
    "PARAM_ERROR",
    "time_expire时间过短,刷卡至少1分钟,其他5分钟",
  ),
  "order-too-young-to-close": businessFailure(
    "TRADE_STATE_ERROR",
    "订单生成后不能马上调用关单接口,最短间隔5分钟",
  ),
  "refund-above-total": communicationFailure("PARAM_ERROR", "invalid refund_fee"),
  // WeChat uses it for unpaid orders too: "check that the number is right and the order is paid".
  "refund-of-unpaid-order": businessFailure("ORDERNOTEXIST", "订单不存在或未支付"),
  "refund-of-other-total": businessFailure("INVALID_REQUEST", "total_fee与订单金额不一致"),
  "refund-too-late": businessFailure("TRADE_OVERDUE", "订单已经超过退款期限"),
  "refunded-in-full": businessFailure("ERROR", "订单已全额退款"),
  "refund-above-rest": businessFailure("INVALID_REQUEST", "refund_fee大于可退金额"),
  "too-many-refunds": businessFailure("INVALID_REQUEST", "部分退款次数超过50次"),
  "refund-too-soon-after-another": businessFailure(
    "FREQUENCY_LIMITED",
    "同一笔订单的退款请求需间隔1分钟",
  ),
  "refund-repeated-with-other-fees": businessFailure(
    "REFUND_FEE_MISMATCH",
    "订单金额或退款金额与之前请求不一致，请核实后再试",
  ),
  "refund-repeated-otherwise": businessFailure(
    "INVALID_REQUEST",
    "请求重入时,参数与首次请求时不一致",
  ),
  "no-refund": businessFailure("REFUNDNOTEXIST", "not exist"),
};
