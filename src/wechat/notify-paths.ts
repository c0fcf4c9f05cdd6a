import type { Protocol } from "./types.ts";

/**
 * The paths that WeChat posts to, below PUBLIC_URL. The merchant stands in the path, so that the
 * key for the check is known before a byte of the body is believed; so does the order's protocol. No
 * query string (WeChat: notify_url).
 */
export const PAY_NOTIFY_PATHS = {
  v2: "/notify/v2/:merchantId/pay",
  v3: "/notify/v3/:merchantId/pay",
} as const satisfies Record<Protocol, string>;

export const REFUND_NOTIFY_PATHS = {
  v2: "/notify/v2/:merchantId/refund",
  v3: "/notify/v3/:merchantId/refund",
} as const satisfies Record<Protocol, string>;

/** Where WeChat reports a payment of this merchant. */
export function payNotifyUrl(publicUrl: string, protocol: Protocol, merchantId: number): string {
  return `${publicUrl}${PAY_NOTIFY_PATHS[protocol].replace(":merchantId", String(merchantId))}`;
}

/** Where WeChat reports a refund's outcome of this merchant. */
export function refundNotifyUrl(publicUrl: string, protocol: Protocol, merchantId: number): string {
  return `${publicUrl}${REFUND_NOTIFY_PATHS[protocol].replace(":merchantId", String(merchantId))}`;
}
