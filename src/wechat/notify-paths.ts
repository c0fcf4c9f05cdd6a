import type { Notification, Protocol } from "./types.ts";

/**
 * The paths that WeChat posts to, below PUBLIC_URL. The merchant stands in the path, so that the
 * key for the check is known before a byte of the body is believed; so does the order's protocol.
 * No query string (W-23).
 */
const PATHS = {
  v2: { payment: "/notify/v2/:merchantId/pay", refund: "/notify/v2/:merchantId/refund" },
  v3: { payment: "/notify/v3/:merchantId/pay", refund: "/notify/v3/:merchantId/refund" },
} as const satisfies Record<Protocol, Record<Notification["kind"], string>>;

/** The registered path of a protocol's notifications of one kind. */
export function notifyPath(protocol: Protocol, kind: Notification["kind"]): string {
  return PATHS[protocol][kind];
}

/** Where WeChat reports a merchant's payments, or the outcomes of its refunds. */
export function notifyUrl(
  publicUrl: string,
  kind: Notification["kind"],
  { protocol, merchantId }: { readonly protocol: Protocol; readonly merchantId: number },
): string {
  return `${publicUrl}${PATHS[protocol][kind].replace(":merchantId", String(merchantId))}`;
}
