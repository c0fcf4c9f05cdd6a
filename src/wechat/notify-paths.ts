import type { Notification, Protocol } from "./types.ts";

/**
 * The paths that WeChat posts to, below PUBLIC_URL. They contain the merchant and the order's
 * protocol, so that the verifying key is known before the body is trusted. No query string (W-23).
 */
const PATHS = {
  v2: { payment: "/notify/v2/:merchantId/pay", refund: "/notify/v2/:merchantId/refund" },
  v3: { payment: "/notify/v3/:merchantId/pay", refund: "/notify/v3/:merchantId/refund" },
} as const satisfies Record<Protocol, Record<Notification["kind"], string>>;

/** The route of a protocol's notifications of one kind. */
export function notifyPath(protocol: Protocol, kind: Notification["kind"]): string {
  return PATHS[protocol][kind];
}

/** The URL at which WeChat reports a merchant's payments, or the outcomes of its refunds. */
export function notifyUrl(
  publicUrl: string,
  kind: Notification["kind"],
  { protocol, merchantId }: { readonly protocol: Protocol; readonly merchantId: number },
): string {
  return `${publicUrl}${PATHS[protocol][kind].replace(":merchantId", String(merchantId))}`;
}
