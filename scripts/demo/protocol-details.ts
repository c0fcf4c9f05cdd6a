import type { Protocol } from "../../testkit/contract.ts";

/** What differs between the protocols in an order's life, as far as the story shows it. */
export interface Wire {
  readonly calls: Readonly<Record<"order" | "refund" | "refundQuery", WechatCall>>;
  /** Of the bridge's parameters, where the merchant has set nothing else. */
  readonly signType: string;
  /** Where WeChat's notifications go, with the kind after it. */
  readonly notifyPath: RegExp;
  /** What an acknowledgement is. */
  readonly acknowledged: { readonly status: number; readonly returnCode?: string };
  /** Why the gateway asks after a refund's notification. */
  readonly refundRemark: string;
}

/** A call as WeChat's documentation names it. */
export interface WechatCall {
  readonly method: "GET" | "POST";
  readonly path: string;
}

export const WIRES: Readonly<Record<Protocol, Wire>> = {
  v2: {
    calls: {
      order: { method: "POST", path: "/pay/unifiedorder" },
      refund: { method: "POST", path: "/secapi/pay/refund" },
      refundQuery: { method: "POST", path: "/pay/refundquery" },
    },
    signType: "MD5",
    notifyPath: /^\/notify\/v2\/\d+\//,
    acknowledged: { status: 200, returnCode: "SUCCESS" },
    refundRemark: "It carries no signature, so it is a hint only: the gateway asked WeChat itself.",
  },
  v3: {
    calls: {
      order: { method: "POST", path: "/v3/pay/transactions/jsapi" },
      refund: { method: "POST", path: "/v3/refund/domestic/refunds" },
      refundQuery: { method: "GET", path: "/v3/refund/domestic/refunds/{out_refund_no}" },
    },
    signType: "RSA",
    notifyPath: /^\/notify\/v3\/\d+\//,
    acknowledged: { status: 204 },
    refundRemark: "It is signed, and a hint all the same: the gateway asked WeChat itself.",
  },
};
