import type { Surroundings, V3Merchant, WechatPay } from "../wechat-pay.ts";
import { signBridge } from "./bridge.ts";
import { closeOrder } from "./close.ts";
import { queryPayment } from "./query.ts";
import { queryRefund } from "./refund-query.ts";
import { refund } from "./refund.ts";
import { openBill } from "./trade-bill.ts";
import { prepay } from "./transactions-jsapi.ts";

/** A merchant's line to WeChat Pay over APIv3. */
export function connectV3(merchant: V3Merchant, surroundings: Surroundings): WechatPay {
  const line = { merchant, surroundings };
  return {
    prepay: async (request) => await prepay(line, request),
    bridge: async (order, prepayId, nowAt) => await signBridge(merchant.v3, order, prepayId, nowAt),
    queryPayment: async (order) => await queryPayment(line, order),
    close: async (order) => await closeOrder(line, order),
    refund: async (request) => await refund(line, request),
    queryRefund: async (order, refundNo) => await queryRefund(line, order, refundNo),
    openBill: async (request) => await openBill(line, request),
  };
}
