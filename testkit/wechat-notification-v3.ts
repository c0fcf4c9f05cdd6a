import { createCipheriv, sign } from "node:crypto";
import { PLATFORM_CERTIFICATE, sandboxKey } from "./demo-merchant.ts";
import type { Message, NotificationWriter, PaymentFacts } from "./notification-writer.ts";

const KEY = sandboxKey("platform-1.key.pem");
const OTHER_KEY = sandboxKey("platform-2.key.pem");

/** APIv3: JSON with an encrypted resource; the signature is in the headers. */
export const V3_NOTIFICATIONS: NotificationWriter = {
  write: (facts, { apiV3Key }) => signed(envelope(resourceOf(facts), apiV3Key)),
  writeInvalid: (facts, { apiV3Key }) => {
    const body = envelope(resourceOf(facts), apiV3Key);
    const valid = signed(body);
    const { "Wechatpay-Signature": signature = "", ...unsigned } = valid.headers;
    return {
      unsigned: { headers: unsigned, body },
      "changed after signing": { ...valid, body: body.replace("SUCCESS", "SUCCES5") },
      "a signature probe": {
        headers: { ...unsigned, "Wechatpay-Signature": `WECHATPAY/SIGNTEST/${signature}` },
        body,
      },
      "signed with another platform key": signed(body, { key: OTHER_KEY }),
      "signed five minutes ago": signed(body, { age: 301 }),
      "of another event type": signed(envelope(resourceOf(facts), apiV3Key, "TRANSACTION.CLOSED")),
      "not encrypted": signed(JSON.stringify(resourceOf(facts))),
    };
  },
};

function resourceOf(facts: PaymentFacts): object {
  return {
    mchid: facts.mchId,
    appid: facts.appId,
    out_trade_no: facts.orderNumber,
    transaction_id: facts.transactionId,
    ...(facts.attach === null ? {} : { attach: facts.attach }),
    trade_type: "JSAPI",
    trade_state: facts.success ? "SUCCESS" : "NOTPAY",
    trade_state_desc: facts.success ? "支付成功" : "未支付",
    bank_type: "OTHERS",
    success_time: "2026-11-22T15:30:00+08:00",
    payer: { openid: facts.openid },
    amount: {
      total: facts.totalFen,
      payer_total: facts.totalFen,
      currency: "CNY",
      payer_currency: "CNY",
    },
  };
}

/** WeChat: AEAD_AES_256_GCM, followed by its tag of 16 bytes. */
function envelope(resource: object, apiV3Key: string, event = "TRANSACTION.SUCCESS"): string {
  const [nonce, associated] = ["fdasflkja484", "transaction"];
  const cipher = createCipheriv("aes-256-gcm", apiV3Key, nonce);
  cipher.setAAD(Buffer.from(associated));
  const sealed = [cipher.update(JSON.stringify(resource), "utf8"), cipher.final()];
  return JSON.stringify({
    id: "EV-2026112215300012345",
    create_time: "2026-11-22T15:30:00+08:00",
    resource_type: "encrypt-resource",
    event_type: event,
    summary: "支付成功",
    resource: {
      original_type: "transaction",
      algorithm: "AEAD_AES_256_GCM",
      ciphertext: Buffer.concat([...sealed, cipher.getAuthTag()]).toString("base64"),
      associated_data: associated,
      nonce,
    },
  });
}

/** WeChat: SHA256-RSA of timestamp, nonce and body, each followed by a line feed. */
function signed(body: string, { key = KEY, age = 0 } = {}): Message {
  const timestamp = Math.floor(Date.now() / 1000) - age;
  const nonce = "EkfuFhzL8aRWZUq3";
  const signature = sign("sha256", Buffer.from(`${timestamp}\n${nonce}\n${body}\n`), key);
  return {
    headers: {
      "content-type": "application/json",
      "Wechatpay-Timestamp": String(timestamp),
      "Wechatpay-Nonce": nonce,
      "Wechatpay-Serial": PLATFORM_CERTIFICATE.id,
      "Wechatpay-Signature": signature.toString("base64"),
    },
    body,
  };
}
