import type { Surroundings, V2Merchant, WechatPay } from "../wechat-pay.ts";
import { signBridge } from "./bridge.ts";
import { closeOrder } from "./close-order.ts";
import { openBill } from "./download-bill.ts";
import { queryPayment } from "./order-query.ts";
import { queryRefund } from "./refund-query.ts";
import { refund } from "./refund.ts";
import { prepay } from "./unified-order.ts";

/** A merchant's line to WeChat Pay over APIv2. */
export function connectV2(merchant: V2Merchant, surroundings: Surroundings): WechatPay {
  const line = { merchant, surroundings };
  return {
    prepay: async (request) => await prepay(line, request),
    bridge: async (order, prepayId, nowAt) => await signBridge(merchant, order, prepayId, nowAt),
    queryPayment: async (order) => await queryPayment(line, order),
    close: async (order) => await closeOrder(line, order),
    refund: async (request) => await refund(line, request),
    queryRefund: async (order, refundNo) => await queryRefund(line, order, refundNo),
    openBill: async (request) => await openBill(line, request),
  };
}
