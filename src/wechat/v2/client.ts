import type { V2Merchant, WechatEnv, WechatPay } from "../types.ts";
import { openBill } from "./bill.ts";
import { signBridge } from "./bridge.ts";
import { closeOrder } from "./close.ts";
import { listRefunds } from "./list-refunds.ts";
import { prepay } from "./prepay.ts";
import { queryPayment } from "./query-payment.ts";
import { queryRefund } from "./query-refund.ts";
import { queryTransaction } from "./query-transaction.ts";
import { refund } from "./refund.ts";

/**
 * A merchant's WeChat Pay client over APIv2. Verifies answers with the merchant's own API key, so it
 * needs no key look-up.
 */
export function connectV2(merchant: V2Merchant, env: WechatEnv): WechatPay {
  const client = { merchant, env };
  return {
    prepay: async (request) => await prepay(client, request),
    bridge: async (order, prepayId, nowAt) => await signBridge(merchant, order, prepayId, nowAt),
    queryPayment: async (order) => await queryPayment(client, order),
    queryTransaction: async (transactionId, wechatAppId) =>
      await queryTransaction(client, transactionId, wechatAppId),
    close: async (order) => await closeOrder(client, order),
    refund: async (request) => await refund(client, request),
    queryRefund: async (order, refundNo) => await queryRefund(client, order, refundNo),
    listRefunds: async (order) => await listRefunds(client, order),
    openBill: async (request) => await openBill(client, request),
  };
}
