import { createDecipheriv, createHash } from "node:crypto";
import { keysOf } from "./merchant.ts";
import type { SentNotification } from "./network.ts";
import type { SignType } from "./steps.ts";

/** The content of a notification. */
export interface NotificationContent {
  readonly orderNumber: string;
  /** Null for a payment. */
  readonly refundNo: string | null;
  /** The payment's facts; null where the notification has none. */
  readonly totalFen: number | null;
  readonly wechatAppId: string | null;
  readonly mchId: string | null;
}

/** Reads a notification of the sandbox without verifying it. Throws when it can't be read. */
export function readNotification(
  { path, body }: SentNotification,
  signType: SignType,
): NotificationContent {
  const text = plainText(path, body, signType);
  const orderNumber = /out_trade_no\W+(?:CDATA\[)?([0-9a-f]{32})/.exec(text)?.[1];
  const refundNo = /out_refund_no\W+(?:CDATA\[)?([0-9A-Za-z]{20,64})/.exec(text)?.[1];
  if (orderNumber === undefined) {
    throw new Error("a notification without an order was acknowledged");
  }
  const totalFen = /"total":(\d+)|<total_fee>(?:<!\[CDATA\[)?(\d+)/
    .exec(text)
    ?.slice(1)
    .find(Boolean);
  return {
    orderNumber,
    refundNo: path.endsWith("/refund") ? (refundNo ?? "") : null,
    totalFen: totalFen === undefined ? null : Number(totalFen),
    wechatAppId: /appid\W+(?:CDATA\[)?(wx\w+)/.exec(text)?.[1] ?? null,
    mchId: /mch_?id\W+(?:CDATA\[)?(\d+)/.exec(text)?.[1] ?? null,
  };
}

function plainText(path: string, body: string, signType: SignType): string {
  const { apiKey, apiV3Key } = keysOf(signType);
  if (path.startsWith("/notify/v3/")) {
    const { resource }: { resource: Record<string, string> } = JSON.parse(body);
    const encrypted = Buffer.from(resource["ciphertext"] ?? "", "base64");
    const decipher = createDecipheriv("aes-256-gcm", apiV3Key, resource["nonce"] ?? "");
    decipher.setAAD(Buffer.from(resource["associated_data"] ?? ""));
    decipher.setAuthTag(encrypted.subarray(-16));
    return decipher.update(encrypted.subarray(0, -16)).toString("utf8") + decipher.final("utf8");
  }
  if (path.endsWith("/pay")) return body;
  const encrypted = /<req_info>(?:<!\[CDATA\[)?([A-Za-z0-9+/=]+)/.exec(body)?.[1] ?? "";
  const key = createHash("md5").update(apiKey).digest("hex");
  const decipher = createDecipheriv("aes-256-ecb", key, null);
  return decipher.update(encrypted, "base64", "utf8") + decipher.final("utf8");
}
