import type { Refusal } from "../rules/refusal.ts";
import { refused, rejected, type Answer } from "./answers.ts";

/** What APIv2 says for each "no" of the rules. WeChat docs: the err_code tables of the five calls. */
export const REFUSALS: Readonly<Record<Refusal, Answer>> = {
  "no-order": refused("ORDERNOTEXIST", "订单不存在"),
  "no-transaction": refused("ORDERNOTEXIST", "订单不存在"),
  "order-paid": refused("ORDERPAID", "该订单已支付"),
  "order-closed": refused("ORDERCLOSED", "该订单已关闭"),
  "order-repeated-otherwise": refused("INVALID_REQUEST", "请求重入时,参数与首次请求时不一致"),
  "order-expires-too-soon": rejected("PARAM_ERROR", "time_expire时间过短,刷卡至少1分钟,其他5分钟"),
  "order-too-young-to-close": refused(
    "TRADE_STATE_ERROR",
    "订单生成后不能马上调用关单接口,最短间隔5分钟",
  ),
  "refund-above-total": rejected("PARAM_ERROR", "invalid refund_fee"),
  // WeChat says so of unpaid orders too: "check that the number is right and the order is paid".
  "refund-of-unpaid-order": refused("ORDERNOTEXIST", "订单不存在或未支付"),
  "refund-of-other-total": refused("INVALID_REQUEST", "total_fee与订单金额不一致"),
  "refund-too-late": refused("TRADE_OVERDUE", "订单已经超过退款期限"),
  "refunded-in-full": refused("ERROR", "订单已全额退款"),
  "refund-above-rest": refused("INVALID_REQUEST", "refund_fee大于可退金额"),
  "too-many-refunds": refused("INVALID_REQUEST", "部分退款次数超过50次"),
  "refund-too-soon-after-another": refused("FREQUENCY_LIMITED", "同一笔订单的退款请求需间隔1分钟"),
  "refund-repeated-with-other-fees": refused(
    "REFUND_FEE_MISMATCH",
    "订单金额或退款金额与之前请求不一致，请核实后再试",
  ),
  "refund-repeated-otherwise": refused("INVALID_REQUEST", "请求重入时,参数与首次请求时不一致"),
  "no-refund": refused("REFUNDNOTEXIST", "not exist"),
};
