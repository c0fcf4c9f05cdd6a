/**
 * The WeChat Pay interface, independent of the protocol. Nothing outside src/wechat/ depends on the
 * protocol.
 *
 * Every answer is a yes, a no or *unknown*. Unknown (a timeout, a 5xx, an unreadable or wrongly
 * signed body, SYSTEMERROR) never means no: it is resolved by a query, or by repeating the same
 * request with the same number.
 */

import type { FundsAccount, RefundFunds } from "../domain/states.ts";

/** WeChat's protocols. Chosen per merchant, then stored with each order. */
export const PROTOCOLS = ["v2", "v3"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export const V2_SIGN_TYPES = ["MD5", "HMAC-SHA256"] as const;
export type V2SignType = (typeof V2_SIGN_TYPES)[number];

/** The signature algorithm of an order's messages: one of two in APIv2, always RSA in APIv3. */
export const SIGN_TYPES = [...V2_SIGN_TYPES, "RSA"] as const;
export type SignType = (typeof SIGN_TYPES)[number];

/** A merchant's settings in the clear. Kept in memory only; never logged, never in a response. */
export interface Merchant {
  readonly id: number;
  /** WeChat's number of the merchant (`mch_id`). */
  readonly mchId: string;
  /** For new orders; an existing order keeps its own. */
  readonly protocol: Protocol;
  /** Null when the merchant has none. Both may be set: old orders keep their protocol. */
  readonly v2: V2Credentials | null;
  readonly v3: V3Credentials | null;
  readonly refundFunds: RefundFunds;
}

export interface V2Credentials {
  /** The 32-character APIv2 key. */
  readonly apiKey: string;
  /** For new orders; an existing order keeps its own. */
  readonly signType: V2SignType;
  /** Name of the Worker's mTLS binding that presents the merchant's certificate, if one is set. */
  readonly certBinding: string | null;
}

export interface V3Credentials {
  /** 32 bytes; decrypts WeChat's encrypted messages to the merchant. */
  readonly apiV3Key: string;
  /** Serial number of the certificate of `privateKeyPem`, upper-case hex. */
  readonly serialNo: string;
  /** PKCS#8. */
  readonly privateKeyPem: string;
  /** The keys that verify WeChat's signatures, all valid at the same time; newest first. */
  readonly verifyKeys: readonly VerifyKey[];
}

/** A merchant as the APIv2 client needs it. */
export interface V2Merchant extends V2Credentials {
  readonly mchId: string;
}

/** A merchant as the APIv3 client needs it. */
export interface V3Merchant {
  readonly id: number;
  readonly mchId: string;
  readonly v3: V3Credentials;
}

export const VERIFY_KEY_KINDS = ["certificate", "public-key"] as const;

/** A key that verifies WeChat's signatures: a platform certificate's, or a WeChat Pay public key. */
export interface VerifyKey {
  /** As `Wechatpay-Serial` names it: a certificate's serial, or `PUB_KEY_ID_…`. */
  readonly id: string;
  readonly kind: (typeof VERIFY_KEY_KINDS)[number];
  /** SPKI. */
  readonly publicKeyPem: string;
  /** Unix ms, of a certificate; a public key has no dates. */
  readonly notBefore: number | null;
  readonly notAfter: number | null;
}

/** Identifies an order at WeChat. */
export interface OrderKey {
  /** 32 hex characters: WeChat's `out_trade_no`, our `pay_order_number`. */
  readonly orderNumber: string;
  readonly wechatAppId: string;
  readonly signType: SignType;
}

/**
 * The parameters of a new order. A repeat with the same number must send exactly the same values
 * (W-20), so callers build this from the stored row.
 */
export interface PrepayRequest extends OrderKey {
  readonly openId: string;
  readonly desc: string;
  readonly totalFen: number;
  readonly tag: string;
  readonly attach: string | null;
  readonly clientIp: string;
  readonly notifyUrl: string;
}

export interface WechatRefundRequest extends OrderKey {
  /** Our `out_refund_no`. Never changes for one refund, whatever WeChat answered. */
  readonly refundNo: string;
  readonly transactionId: string;
  readonly totalFen: number;
  readonly refundFen: number;
  readonly notifyUrl: string;
  /** WeChat shows it to the payer; null for none. At most 80 bytes of UTF-8 (W-97). */
  readonly reason: string | null;
  /** The account that pays (W-44); null names none, so that WeChat takes its default. */
  readonly fundsAccount: FundsAccount | null;
}

/** A parameter of the contract whose value goes to WeChat. */
export type AppParameter =
  | "openId"
  | "desc"
  | "totalFree"
  | "tag"
  | "attach"
  | "clientIp"
  | "refundFree";

/** WeChat refused. */
export interface Refused {
  readonly kind: "refused";
  /**
   * WeChat's `err_code`, or `FAIL` when there is only a `return_msg`. Three codes are our own, for
   * requests that weren't sent: `UNSENDABLE` (a character that WeChat doesn't accept),
   * `NO_CERTIFICATE` (the merchant's mTLS binding is missing) and `NO_CREDENTIALS` (none for the
   * order's protocol).
   */
  readonly code: string;
  readonly message: string;
  /**
   * `request`: the app sent a value that WeChat doesn't accept; the app can fix it.
   * `merchant`: the merchant's account, rights, balance or settings; the operator can fix it.
   * `gateway`: our message was wrong.
   */
  readonly blame: "request" | "merchant" | "gateway";
  /** The app's parameter whose value the refusal names. Only with `request`. */
  readonly parameter?: AppParameter;
}

/** No trustworthy answer. The operation may or may not have happened. */
export interface Unknown {
  readonly kind: "unknown";
  /** For logs and the timeline, without secrets. */
  readonly reason: string;
  /**
   * WeChat's answer couldn't be verified: by any key, or because WeChat has begun to sign with a
   * public key and the merchant has certificates only.
   */
  readonly unverified?: "signature" | "public-key";
}

export type PrepayAnswer =
  | { readonly kind: "prepared"; readonly prepayId: string }
  /** ORDERPAID: the order is already paid. */
  | { readonly kind: "paid" }
  /** ORDERCLOSED: this number is closed permanently. */
  | { readonly kind: "closed" }
  | Refused
  | Unknown;

/** A payment as WeChat reports it, its signature and identity verified. */
export interface Payment {
  readonly orderNumber: string;
  readonly wechatAppId: string;
  readonly transactionId: string;
  readonly totalFen: number;
  /**
   * The order's `attach`. Empty when a notification has none; null when an answer leaves it out, which
   * says nothing about the order.
   */
  readonly attach: string | null;
  /** Unix ms; null when the report has no readable time. */
  readonly paidAt: number | null;
  /** The algorithm that verified the report; must equal the stored order's (no downgrade). */
  readonly signType: SignType;
}

export type PaymentAnswer =
  | { readonly kind: "paid"; readonly payment: Payment }
  /** Not paid (yet): NOTPAY, USERPAYING, ACCEPT. */
  | { readonly kind: "waiting" }
  /** Not paid and never payable under this number: CLOSED, REVOKED, PAYERROR. */
  | { readonly kind: "closed" }
  /** ORDERNOTEXIST. Shortly after a prepay with an unknown outcome, the order may still appear. */
  | { readonly kind: "absent" }
  | Refused
  | Unknown;

/** The order that a transaction pays, of this merchant. */
export type TransactionAnswer =
  /** WeChat's `out_trade_no`, which may be another system's order. */
  | { readonly kind: "found"; readonly orderNumber: string }
  /** ORDERNOTEXIST: the merchant has no such transaction. */
  | { readonly kind: "absent" }
  | Refused
  | Unknown;

export type CloseAnswer =
  | { readonly kind: "closed" }
  | { readonly kind: "paid" }
  | { readonly kind: "absent" }
  | Refused
  | Unknown;

export type RefundAnswer =
  /** Accepted, not completed: the outcome comes later, from a query. */
  | { readonly kind: "accepted"; readonly refundId: string; readonly refundFen: number }
  | RefundRefused
  | Unknown;

/** WeChat refused a refund. It may still have accepted an earlier request for it: a query shows it. */
export interface RefundRefused extends Refused {
  /**
   * `amount`: about the refundable amount, which a refund made elsewhere may have reduced. `balance`:
   * the account that funds it has too little.
   */
  readonly cause: "amount" | "balance" | "other";
}

/** A refund's progress at WeChat. `abnormal`: the payer's account can't take the money. */
export type RefundStatus = "processing" | "succeeded" | "closed" | "abnormal";

/** One refund as WeChat reports it, its signature and identity verified. */
export interface RefundReport {
  readonly refundNo: string;
  readonly refundId: string;
  readonly refundFen: number;
  readonly status: RefundStatus;
  /** Unix ms; null unless it succeeded. */
  readonly succeededAt: number | null;
}

export type RefundQueryAnswer =
  | { readonly kind: "found"; readonly refund: RefundReport }
  /** REFUNDNOTEXIST: the request never arrived or, shortly after an unknown outcome, not yet. */
  | { readonly kind: "absent" }
  | Refused
  | Unknown;

/** All refunds of an order, made by calls or in the merchant platform; none when it has none. */
export type RefundListAnswer =
  | { readonly kind: "listed"; readonly refunds: readonly RefundReport[] }
  | Refused
  | Unknown;

/** The bill of all trades of the merchant in a day, whatever their app or protocol. */
export interface BillRequest {
  /** `YYYY-MM-DD`, in Beijing; WeChat keeps bills for three months (W-55). */
  readonly day: string;
  /** Any app id of the merchant: APIv2 requires one. */
  readonly wechatAppId: string;
}

export type BillAnswer =
  /**
   * The bill's bytes, gzipped or plain. They aren't signed, so nothing is recorded from them. The
   * caller must read or cancel the stream, which errors when WeChat stalls or sends too much.
   */
  | {
      readonly kind: "opened";
      readonly stream: ReadableStream<Uint8Array>;
      /** Lower-case hex, of the text after decompression; null when WeChat sends none (APIv2). */
      readonly sha1: string | null;
    }
  /** No trades on that day: a valid result, with nothing to wait for. */
  | { readonly kind: "empty" }
  /** Not ready: request it again in half an hour. */
  | { readonly kind: "creating" }
  | Refused
  | Unknown;

/** The JSAPI bridge's parameters, with the names that WeixinJSBridge expects. */
export interface BridgeParameters {
  readonly appId: string;
  readonly timeStamp: string;
  readonly nonceStr: string;
  readonly package: string;
  readonly signType: string;
  readonly paySign: string;
}

/** A merchant's WeChat Pay client. No method throws because of WeChat or the network. */
export interface WechatPay {
  prepay(request: PrepayRequest): Promise<PrepayAnswer>;
  /** The parameters of `getBrandWCPayRequest`, signed for this order. */
  bridge(order: OrderKey, prepayId: string, nowAt: number): Promise<BridgeParameters>;
  queryPayment(order: OrderKey): Promise<PaymentAnswer>;
  /** Queries by WeChat's number. `wechatAppId`: the app id of the order, which APIv2 requires. */
  queryTransaction(transactionId: string, wechatAppId: string): Promise<TransactionAnswer>;
  close(order: OrderKey): Promise<CloseAnswer>;
  refund(request: WechatRefundRequest): Promise<RefundAnswer>;
  queryRefund(order: OrderKey, refundNo: string): Promise<RefundQueryAnswer>;
  /** Null in a protocol that has no such call (APIv3). */
  readonly listRefunds: ((order: OrderKey) => Promise<RefundListAnswer>) | null;
  openBill(request: BillRequest): Promise<BillAnswer>;
}

/** A notification as it arrived: nothing may be rewritten before it is verified. */
export interface NotificationMessage {
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** A refund that WeChat reports progress on: a reason to query, never a reason to change a row. */
export interface RefundNotification {
  readonly orderNumber: string;
  readonly refundNo: string;
}

/** A verified notification. */
export type Notification =
  | { readonly kind: "payment"; readonly payment: Payment }
  | ({ readonly kind: "refund" } & RefundNotification);

/** Why a notification isn't acknowledged. Sent to WeChat: no secrets, nothing from the record. */
export type NotificationRejection =
  /** Unsigned, wrongly signed, or for a merchant that doesn't exist. */
  | "not authentic"
  /** Unexpected here, or in contradiction to the record. */
  | "not accepted"
  | "not confirmed yet"
  | "try again later"
  | "too large"
  | "broken off";

/** Why a message that claims to be WeChat's is rejected. */
export interface NotificationFault {
  /** `probe`: WeChat tests whether signatures are verified (W-71); nothing is wrong. */
  readonly kind:
    | "no-credentials"
    | "probe"
    | "unsigned"
    | "stale"
    | "unknown-key"
    /** Signed with a public key that isn't entered; the resource opens, so it is WeChat's. */
    | "public-key-missing"
    | "wrong-signature"
    | "unreadable"
    | "unexpected"
    | "undecryptable"
    | "not-success"
    | "malformed"
    | "wrong-identity";
  /** For logs: names fields, never contains a key, a signature or the signed text. */
  readonly detail: string;
  /** The response to WeChat. */
  readonly rejection: NotificationRejection;
}

/** The HTTP response to a notification. */
export interface NotificationResponse {
  readonly status: 200 | 204 | 400 | 401 | 413 | 503;
  /** Null for a status without a body. */
  readonly contentType: string | null;
  readonly body: string | null;
}

/** The network as a client uses it. */
export interface WechatEnv {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** `fetch` with the client certificate of the named mTLS binding; undefined without that binding. */
  readonly fetchWithCertificate: (
    bindingName: string,
  ) => ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** Base URL without a trailing slash. */
  readonly baseUrl: string;
  /** Tried once when `baseUrl` can't be reached; null when there is none. */
  readonly spareUrl: string | null;
}

/**
 * Looks again for a verifying key that the cached settings lack (APIv3): it may have been stored
 * since. Null when the merchant has no key with exactly this id.
 */
export type VerifyKeyLookup = (merchantId: number, keyId: string) => Promise<VerifyKey | null>;
