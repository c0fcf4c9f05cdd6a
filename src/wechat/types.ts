/**
 * What the gateway asks of WeChat Pay, whichever protocol a merchant speaks. Nothing outside
 * src/wechat/ knows which one it is.
 *
 * Every answer is one of yes, no and *unknown*. Unknown (a time-out, a 5xx, an unreadable or
 * wrongly signed body, SYSTEMERROR) never means no: it is resolved by a query, or by repeating the
 * same request with the same number.
 */

/** Which of WeChat's protocols an order speaks. Chosen per merchant, then stored with each order. */
export const PROTOCOLS = ["v2", "v3"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export const V2_SIGN_TYPES = ["MD5", "HMAC-SHA256"] as const;
export type V2SignType = (typeof V2_SIGN_TYPES)[number];

/** How messages of an order are signed: in one of two ways in APIv2, always by RSA in APIv3. */
export const SIGN_TYPES = [...V2_SIGN_TYPES, "RSA"] as const;
export type SignType = (typeof SIGN_TYPES)[number];

/** A merchant's settings in the clear. Lives in memory only; never logged, never answered. */
export interface Merchant {
  readonly id: number;
  /** WeChat's number of the merchant (`mch_id`). */
  readonly mchId: string;
  /** For new orders; an existing order keeps the one it was made with. */
  readonly protocol: Protocol;
  /** Null when the merchant has none. Both kinds are there while old orders live. */
  readonly v2: V2Credentials | null;
  readonly v3: V3Credentials | null;
}

export interface V2Credentials {
  /** The 32-character APIv2 key. */
  readonly apiKey: string;
  /** For new orders; an existing order keeps the one it was made with. */
  readonly signType: V2SignType;
  /** Name of the Worker's mTLS binding that presents the merchant's certificate, if one is set. */
  readonly certBinding: string | null;
}

export interface V3Credentials {
  /** 32 bytes; opens what WeChat encrypts for the merchant. */
  readonly apiV3Key: string;
  /** Serial number of the merchant's API certificate, upper-case hex: the one of `privateKeyPem`. */
  readonly serialNo: string;
  /** PKCS#8. */
  readonly privateKeyPem: string;
  /** By which WeChat's signatures are verified, all of them valid side by side; newest first. */
  readonly verifyKeys: readonly VerifyKey[];
}

/** What of a merchant an APIv2 client is made with. */
export interface V2Merchant extends V2Credentials {
  readonly mchId: string;
}

/** What of a merchant an APIv3 client is made with. */
export interface V3Merchant {
  readonly id: number;
  readonly mchId: string;
  readonly v3: V3Credentials;
}

/** One of WeChat's verifying keys: of a platform certificate, or a WeChat Pay public key. */
export interface VerifyKey {
  /** As `Wechatpay-Serial` names it: a certificate's serial, or `PUB_KEY_ID_…`. */
  readonly id: string;
  readonly kind: "certificate" | "public-key";
  /** SPKI. */
  readonly publicKeyPem: string;
  /** Unix ms, of a certificate; a public key has no dates. */
  readonly notBefore: number | null;
  readonly notAfter: number | null;
}

/** What names an order at WeChat. */
export interface OrderKey {
  /** 32 hex characters: WeChat's `out_trade_no`, our `pay_order_number`. */
  readonly orderNumber: string;
  readonly wechatAppId: string;
  readonly signType: SignType;
}

/**
 * Everything that WeChat is told about a new order. A repeat with the same number must carry the
 * same values to the letter, so callers build this from what is stored.
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
}

/** WeChat said no, in its own words. */
export interface Refused {
  readonly kind: "refused";
  /**
   * WeChat's `err_code`, or `FAIL` when only a `return_msg` came. Three are our own, for what wasn't
   * even sent: `UNSENDABLE` (a character that WeChat doesn't take), `NO_CERTIFICATE` (the
   * merchant's mTLS binding is missing) and `NO_CREDENTIALS` (none for the order's protocol).
   */
  readonly code: string;
  readonly message: string;
  /**
   * `request`: the app sent something that WeChat won't have, and can mend it.
   * `merchant`: the merchant's account, rights, balance or settings; an operator mends it.
   * `gateway`: our message was wrong.
   */
  readonly blame: "request" | "merchant" | "gateway";
}

/** No answer that could be relied upon. It may or may not have happened. */
export interface Unknown {
  readonly kind: "unknown";
  /** For logs and the timeline: what went wrong, without secrets. */
  readonly reason: string;
}

export type PrepayAnswer =
  | { readonly kind: "prepared"; readonly prepayId: string }
  /** ORDERPAID: the order is paid already. */
  | { readonly kind: "paid" }
  /** ORDERCLOSED: this number is closed for good. */
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
  /** Unix ms, or null when the report has no readable time. */
  readonly paidAt: number | null;
  /** The algorithm that verified the report: it must be the stored order's (no downgrade). */
  readonly signType: SignType;
}

export type PaymentAnswer =
  | { readonly kind: "paid"; readonly payment: Payment }
  /** Not paid (yet): NOTPAY, USERPAYING, ACCEPT. */
  | { readonly kind: "waiting" }
  /** Not paid and never will be under this number: CLOSED, REVOKED, PAYERROR. */
  | { readonly kind: "closed" }
  /** ORDERNOTEXIST. Shortly after an unknown prepay this is no proof that it stays so. */
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
  /** Accepted, not done: the outcome comes later, by query. */
  | { readonly kind: "accepted"; readonly refundId: string; readonly refundFen: number }
  | Refused
  | Unknown;

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
  /** REFUNDNOTEXIST: the request never arrived (or, just after an unknown one, not yet). */
  | { readonly kind: "absent" }
  | Refused
  | Unknown;

/** Which bill is asked for: of all trades of the merchant, whatever app or protocol they came by. */
export interface BillRequest {
  /** `YYYY-MM-DD`, in Beijing; WeChat has them for three months. */
  readonly day: string;
  /** Any of the merchant's: APIv2 wants one named. */
  readonly wechatAppId: string;
}

export type BillAnswer =
  /**
   * Its bytes as they come, gzipped or plain: unsigned, so a bill by itself books nothing. They are
   * to be read or cancelled; the stream errors when WeChat stalls or says too much.
   */
  | {
      readonly kind: "opened";
      readonly stream: ReadableStream<Uint8Array>;
      /** Lower-case hex, of the text after decompression; null when WeChat tells none (APIv2). */
      readonly sha1: string | null;
    }
  /** No trade that day: a valid result, there is nothing to wait for. */
  | { readonly kind: "empty" }
  /** Still being made: ask again in half an hour. */
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

/** A merchant's client of WeChat Pay. No method throws for anything that WeChat or the network does. */
export interface WechatPay {
  prepay(request: PrepayRequest): Promise<PrepayAnswer>;
  /** What a page hands to `getBrandWCPayRequest`, signed for this order. */
  bridge(order: OrderKey, prepayId: string, nowAt: number): Promise<BridgeParameters>;
  queryPayment(order: OrderKey): Promise<PaymentAnswer>;
  close(order: OrderKey): Promise<CloseAnswer>;
  refund(request: WechatRefundRequest): Promise<RefundAnswer>;
  queryRefund(order: OrderKey, refundNo: string): Promise<RefundQueryAnswer>;
  openBill(request: BillRequest): Promise<BillAnswer>;
}

/** What WeChat posts to us, as it arrived: nothing may be rewritten before it is verified. */
export interface NotificationMessage {
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** A refund that WeChat reports progress of. A reason to query, never a reason to change a row. */
export interface RefundNotification {
  readonly orderNumber: string;
  readonly refundNo: string;
}

/** A verified notification. */
export type Notification =
  | { readonly kind: "payment"; readonly payment: Payment }
  | ({ readonly kind: "refund" } & RefundNotification);

/**
 * Why a notification isn't acknowledged, in the text that WeChat may read: nothing secret, nothing
 * of the record.
 */
export type NotificationRejection =
  /** Unsigned, wrongly signed, or for a merchant that doesn't exist. */
  | "not authentic"
  /** Not what is expected here, or it contradicts the record. */
  | "not accepted"
  | "not confirmed yet"
  | "try again later"
  | "too large"
  | "broken off";

/** A message that claims to be WeChat's and isn't acted upon. */
export interface NotificationFault {
  /** `probe`: WeChat tests whether its signature is checked; nothing is wrong. */
  readonly kind:
    | "no-credentials"
    | "probe"
    | "unsigned"
    | "stale"
    | "unknown-key"
    | "wrong-signature"
    | "unreadable"
    | "unexpected"
    | "undecryptable"
    | "not-success"
    | "malformed"
    | "wrong-identity";
  /** For logs: names fields, and never holds a key, a signature or what was signed. */
  readonly detail: string;
  /** How it is answered. */
  readonly rejection: NotificationRejection;
}

/** An answer to a notification. */
export interface NotificationResponse {
  readonly status: 200 | 204 | 400 | 401 | 413 | 503;
  /** Null for a status without a body. */
  readonly contentType: string | null;
  readonly body: string | null;
}

/** What a client needs of the network. */
export interface WechatEnv {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Like `fetch`, presenting the client certificate of the named mTLS binding; undefined if there is none. */
  readonly fetchWithCertificate: (
    bindingName: string,
  ) => ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** Base URL without a trailing slash. */
  readonly baseUrl: string;
  /** Tried once when no connection to `baseUrl` can be made; null when there is none. */
  readonly spareUrl: string | null;
}

/**
 * Looks once more for a verifying key that a merchant's settings lack (APIv3): it may have been
 * entered or fetched a moment ago. Null when there still is none with exactly this id.
 */
export type VerifyKeyLookup = (merchantId: number, keyId: string) => Promise<VerifyKey | null>;
