/** Forms of the numbers in WeChat's messages. */

const ORDER_NUMBER = /^[0-9a-f]{32}$/;
const REFUND_NO = /^[0-9A-Za-z_\-|*@]{1,64}$/;

/** Whether the gateway can have made this `out_trade_no`. */
export function isOrderNumber(text: string): boolean {
  return ORDER_NUMBER.test(text);
}

/** Whether this can be an `out_refund_no` (W-96): an app's refund, or one of the merchant platform. */
export function isRefundNo(text: string): boolean {
  return REFUND_NO.test(text);
}
