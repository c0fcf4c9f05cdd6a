import type { Refusal } from "../rules/refusal.ts";
import { problem, type Problem } from "./answers.ts";

const OTHERWISE = "请求重入时,参数与首次请求时不一致";

/** What APIv3 says for each "no" of the rules. WeChat docs: the error codes of the calls. */
export const REFUSALS: Readonly<Record<Refusal, Problem>> = {
  "no-order": problem("ORDER_NOT_EXIST", "订单不存在"),
  "no-transaction": problem("ORDER_NOT_EXIST", "订单不存在"),
  "order-paid": problem("ORDER_PAID", "该订单已支付"),
  "order-closed": problem("ORDER_CLOSED", "该订单已关闭"),
  "order-repeated-otherwise": problem("INVALID_REQUEST", OTHERWISE, { number: 268498688 }),
  "order-expires-too-soon": problem("PARAM_ERROR", "time_expire时间过短"),
  "order-too-young-to-close": problem(
    "TRADE_ERROR",
    "订单生成后不能马上调用关单接口,最短间隔5分钟",
    { number: 268449641 },
  ),
  "refund-above-total": problem("PARAM_ERROR", "退款金额不能大于订单金额", {
    number: 268435464,
    detail: { field: "/amount/refund", issue: "退款金额不能大于订单金额", location: "body" },
  }),
  "refund-of-unpaid-order": problem("RESOURCE_NOT_EXISTS", "订单不存在或未支付"),
  "refund-of-other-total": problem("INVALID_REQUEST", "amount.total与订单金额不一致"),
  "refund-too-late": problem("INVALID_REQUEST", "订单已经超过退款期限"),
  "refunded-in-full": problem("INVALID_REQUEST", "订单已全额退款"),
  "refund-above-rest": problem("INVALID_REQUEST", "退款金额大于可退金额"),
  "too-many-refunds": problem("INVALID_REQUEST", "部分退款次数超过50次"),
  "refund-too-soon-after-another": problem("FREQUENCY_LIMITED", "同一笔订单的退款请求需间隔1分钟"),
  "refund-repeated-with-other-fees": problem(
    "INVALID_REQUEST",
    "订单金额或退款金额与之前请求不一致，请核实后再试",
  ),
  "refund-repeated-otherwise": problem("INVALID_REQUEST", OTHERWISE, { number: 268498688 }),
  "no-refund": problem("RESOURCE_NOT_EXISTS", "退款单不存在"),
};
