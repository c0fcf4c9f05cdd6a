/**
 * The paths that WeChat posts to, below PUBLIC_URL. The merchant stands in the path, so that the
 * key for the check is known before a byte of the body is believed. No query string (WeChat:
 * notify_url).
 */
export const PAY_NOTIFY_PATH = "/notify/v2/:merchantId/pay";
export const REFUND_NOTIFY_PATH = "/notify/v2/:merchantId/refund";

/** Where WeChat reports a payment of this merchant. */
export function payNotifyUrl(publicUrl: string, merchantId: number): string {
  return `${publicUrl}${PAY_NOTIFY_PATH.replace(":merchantId", String(merchantId))}`;
}

/** Where WeChat reports a refund's outcome of this merchant. */
export function refundNotifyUrl(publicUrl: string, merchantId: number): string {
  return `${publicUrl}${REFUND_NOTIFY_PATH.replace(":merchantId", String(merchantId))}`;
}
