import { createCipheriv, sign } from "node:crypto";
import {
  APP_ID,
  ORDER_NUMBER,
  REFUND_ID,
  REFUND_NO,
  TRANSACTION_ID,
} from "../../support/fixtures.ts";
import { API_V3_KEY, keys, MCH_ID } from "./fixtures.ts";

/*
 * WeChat's side of APIv3, implemented independently with node:crypto: the same mistake can't be on
 * both sides.
 */

export interface Signer {
  readonly id: string;
  readonly privateKey: string;
}

export interface Signing {
  readonly signer?: Signer;
  /** Unix seconds; the current time by default. */
  readonly timestamp?: number;
  readonly nonce?: string;
}

/** The headers with WeChat's signature of a body. */
export function signedHeaders(body: string, signing: Signing = {}): Record<string, string> {
  const { signer = keys.publicKey, nonce = "EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz" } = signing;
  const timestamp = String(signing.timestamp ?? Math.floor(Date.now() / 1000));
  const text = Buffer.from(`${timestamp}\n${nonce}\n${body}\n`);
  return {
    "Wechatpay-Timestamp": timestamp,
    "Wechatpay-Nonce": nonce,
    "Wechatpay-Serial": signer.id,
    "Wechatpay-Signature": sign("sha256", text, signer.privateKey).toString("base64"),
  };
}

/** Encrypts a text under an APIv3 key as WeChat does. */
export function seal(plain: string, associatedData: string, apiV3Key: string = API_V3_KEY) {
  const nonce = "fdasflkja484";
  const cipher = createCipheriv("aes-256-gcm", apiV3Key, nonce);
  cipher.setAAD(Buffer.from(associatedData));
  const parts = [cipher.update(plain, "utf8"), cipher.final(), cipher.getAuthTag()];
  return {
    algorithm: "AEAD_AES_256_GCM",
    nonce,
    associated_data: associatedData,
    ciphertext: Buffer.concat(parts).toString("base64"),
  };
}

/** A notification's body with `content` encrypted in its resource. */
export function notificationBody(
  eventType: string,
  content: object,
  resource: object = {},
  apiV3Key: string = API_V3_KEY,
): string {
  const type = eventType.startsWith("REFUND") ? "refund" : "transaction";
  return JSON.stringify({
    id: "EV-2018022511223320873",
    create_time: "2015-05-20T13:29:35+08:00",
    resource_type: "encrypt-resource",
    event_type: eventType,
    summary: "支付成功",
    resource: {
      original_type: type,
      ...seal(JSON.stringify(content), type, apiV3Key),
      ...resource,
    },
  });
}

/** A paid order in the answer to a query and in a notification. */
export function transaction(changes: object = {}): object {
  return {
    transaction_id: TRANSACTION_ID,
    amount: { payer_total: 878, total: 888, currency: "CNY", payer_currency: "CNY" },
    mchid: MCH_ID,
    trade_state: "SUCCESS",
    bank_type: "CMC",
    success_time: "2018-06-08T10:34:56+08:00",
    payer: { openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" },
    out_trade_no: ORDER_NUMBER,
    appid: APP_ID,
    trade_state_desc: "支付成功",
    trade_type: "JSAPI",
    attach: "自定义数据",
    ...changes,
  };
}

/** A refund in a notification. */
export function refundResource(changes: object = {}): object {
  return {
    mchid: MCH_ID,
    transaction_id: TRANSACTION_ID,
    out_trade_no: ORDER_NUMBER,
    refund_id: REFUND_ID,
    out_refund_no: REFUND_NO,
    refund_status: "SUCCESS",
    success_time: "2018-06-08T10:34:56+08:00",
    user_received_account: "招商银行信用卡0403",
    amount: { total: 888, refund: 100, payer_total: 888, payer_refund: 100 },
    ...changes,
  };
}

/** A refund in the answers to a query and to a refund request. */
export function refundReport(changes: object = {}): object {
  return {
    refund_id: REFUND_ID,
    out_refund_no: REFUND_NO,
    transaction_id: TRANSACTION_ID,
    out_trade_no: ORDER_NUMBER,
    channel: "ORIGINAL",
    user_received_account: "招商银行信用卡0403",
    success_time: "2020-12-01T16:18:12+08:00",
    create_time: "2020-12-01T16:18:12+08:00",
    status: "SUCCESS",
    funds_account: "UNSETTLED",
    amount: { total: 888, refund: 100, payer_total: 888, payer_refund: 100, currency: "CNY" },
    ...changes,
  };
}
