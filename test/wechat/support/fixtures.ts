import type {
  OrderKey,
  PrepayRequest,
  WechatRefundRequest,
  V2Merchant,
} from "../../../src/wechat/types.ts";

/** The key of WeChat's published signature example. */
export const API_KEY = "192006250b4c09247ec02edce69f6a2d";
export const APP_ID = "wx2421b1c4370ec43b";
export const ORDER_NUMBER = "0123456789abcdef0123456789abcdef";
export const TRANSACTION_ID = "4200000215201811190261405420";
export const REFUND_ID = "50000408942018111907145868882";
export const REFUND_NO = "fedcba9876543210fedcba9876543210";

export const merchant: V2Merchant = {
  mchId: "10000100",
  apiKey: API_KEY,
  signType: "HMAC-SHA256",
  certBinding: null,
};

export const order: OrderKey = {
  orderNumber: ORDER_NUMBER,
  wechatAppId: APP_ID,
  signType: "HMAC-SHA256",
};

export const prepayRequest: PrepayRequest = {
  ...order,
  openId: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
  desc: "腾讯充值中心-QQ会员充值",
  totalFen: 888,
  tag: "WXG",
  attach: '支付测试 & <1> ]]> "2"',
  clientIp: "14.23.150.211",
  notifyUrl: "https://gateway.test/notify/wechat/1/pay",
};

export const refundRequest: WechatRefundRequest = {
  ...order,
  refundNo: REFUND_NO,
  transactionId: TRANSACTION_ID,
  totalFen: 888,
  refundFen: 100,
  notifyUrl: "https://gateway.test/notify/wechat/1/refund",
  reason: null,
  fundsAccount: null,
};
