import type { Refusal } from "../rules/refusal.ts";
import { apiError, type ApiError } from "./response.ts";

const CHANGED_PARAMETERS = "请求重入时,参数与首次请求时不一致";

/** The error of each refusal (W-86, W-87, W-88). */
export const ERROR_CODES: Readonly<Record<Refusal, ApiError>> = {
  "no-order": apiError("ORDER_NOT_EXIST", "订单不存在"),
  "no-transaction": apiError("ORDER_NOT_EXIST", "订单不存在"),
  "order-paid": apiError("ORDER_PAID", "该订单已支付"),
  "order-closed": apiError("ORDER_CLOSED", "该订单已关闭"),
  "order-repeated-otherwise": apiError("INVALID_REQUEST", CHANGED_PARAMETERS, {
    number: 268498688,
  }),
  "order-expires-too-soon": apiError("PARAM_ERROR", "time_expire时间过短"),
  "order-too-young-to-close": apiError(
    "TRADE_ERROR",
    "订单生成后不能马上调用关单接口,最短间隔5分钟",
    { number: 268449641 },
  ),
  "refund-above-total": apiError("PARAM_ERROR", "退款金额不能大于订单金额", {
    number: 268435464,
    detail: { field: "/amount/refund", issue: "退款金额不能大于订单金额", location: "body" },
  }),
  "refund-of-unpaid-order": apiError("RESOURCE_NOT_EXISTS", "订单不存在或未支付"),
  "refund-of-other-total": apiError("INVALID_REQUEST", "amount.total与订单金额不一致"),
  "refund-too-late": apiError("INVALID_REQUEST", "订单已经超过退款期限"),
  "refunded-in-full": apiError("INVALID_REQUEST", "订单已全额退款"),
  "refund-above-rest": apiError("INVALID_REQUEST", "退款金额大于可退金额"),
  "too-many-refunds": apiError("INVALID_REQUEST", "部分退款次数超过50次"),
  "refund-too-soon-after-another": apiError("FREQUENCY_LIMITED", "同一笔订单的退款请求需间隔1分钟"),
  "refund-repeated-with-other-fees": apiError(
    "INVALID_REQUEST",
    "订单金额或退款金额与之前请求不一致，请核实后再试",
  ),
  "refund-repeated-otherwise": apiError("INVALID_REQUEST", CHANGED_PARAMETERS, {
    number: 268498688,
  }),
  "no-refund": apiError("RESOURCE_NOT_EXISTS", "退款单不存在"),
};
