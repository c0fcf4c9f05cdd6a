import type { V3Merchant, VerifyKeyLookup, WechatEnv, WechatPay } from "../types.ts";
import { openBill } from "./bill.ts";
import { signBridge } from "./bridge.ts";
import { closeOrder } from "./close.ts";
import { prepay } from "./prepay.ts";
import { queryPayment } from "./query-payment.ts";
import { queryRefund } from "./query-refund.ts";
import { queryTransaction } from "./query-transaction.ts";
import { refund } from "./refund.ts";

/** A merchant's WeChat Pay client over APIv3. */
export function connectV3(
  merchant: V3Merchant,
  env: WechatEnv,
  findVerifyKey: VerifyKeyLookup,
): WechatPay {
  const client = { merchant, env, findVerifyKey };
  return {
    prepay: async (request) => await prepay(client, request),
    bridge: async (order, prepayId, nowAt) => await signBridge(merchant.v3, order, prepayId, nowAt),
    queryPayment: async (order) => await queryPayment(client, order),
    queryTransaction: async (transactionId) => await queryTransaction(client, transactionId),
    close: async (order) => await closeOrder(client, order),
    refund: async (request) => await refund(client, request),
    queryRefund: async (order, refundNo) => await queryRefund(client, order, refundNo),
    // A refund can only be queried by its number (W-84).
    listRefunds: null,
    openBill: async (request) => await openBill(client, request),
  };
}
