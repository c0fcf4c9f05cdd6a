import type { Protocol } from "../../testkit/contract.ts";

/** How the protocols differ, as far as the demo shows it. */
export interface ProtocolDetails {
  readonly calls: Readonly<Record<"order" | "refund" | "refundQuery", WechatCall>>;
  /** Of the bridge parameters, by default. */
  readonly signType: string;
  /** The path of WeChat's notifications, followed by their kind. */
  readonly notifyPath: RegExp;
  /** How a notification is acknowledged. */
  readonly acknowledgement: { readonly status: number; readonly returnCode?: string };
  /** Why the gateway queries a refund after its notification. */
  readonly refundRemark: string;
}

/** A call, by the names in WeChat's documentation. */
export interface WechatCall {
  readonly method: "GET" | "POST";
  readonly path: string;
}

export const PROTOCOL_DETAILS: Readonly<Record<Protocol, ProtocolDetails>> = {
  v2: {
    calls: {
      order: { method: "POST", path: "/pay/unifiedorder" },
      refund: { method: "POST", path: "/secapi/pay/refund" },
      refundQuery: { method: "POST", path: "/pay/refundquery" },
    },
    signType: "MD5",
    notifyPath: /^\/notify\/v2\/\d+\//,
    acknowledgement: { status: 200, returnCode: "SUCCESS" },
    refundRemark: "It has no signature, so the gateway doesn't rely on it: it queries WeChat.",
  },
  v3: {
    calls: {
      order: { method: "POST", path: "/v3/pay/transactions/jsapi" },
      refund: { method: "POST", path: "/v3/refund/domestic/refunds" },
      refundQuery: { method: "GET", path: "/v3/refund/domestic/refunds/{out_refund_no}" },
    },
    signType: "RSA",
    notifyPath: /^\/notify\/v3\/\d+\//,
    acknowledgement: { status: 204 },
    refundRemark: "It is signed, but the gateway doesn't rely on it either: it queries WeChat.",
  },
};
