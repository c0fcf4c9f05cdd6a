import { createDecipheriv, createHash } from "node:crypto";
import { keysOf } from "./shop.ts";
import type { SignType } from "./steps.ts";
import type { Notice } from "./wires.ts";

/** What a notification is about. */
export interface News {
  readonly orderNumber: string;
  /** Null when it is about the payment. */
  readonly refundNo: string | null;
  /** What it says of the payment; null where it doesn't. */
  readonly totalFen: number | null;
  readonly wechatAppId: string | null;
  readonly mchId: string | null;
}

/** Reads a notification of the sandbox's, whether or not it is rightly signed. Throws if it can't be read. */
export function newsOf({ path, body }: Notice, signType: SignType): News {
  const text = plainText(path, body, signType);
  const orderNumber = /out_trade_no\W+(?:CDATA\[)?([0-9a-f]{32})/.exec(text)?.[1];
  const refundNo = /out_refund_no\W+(?:CDATA\[)?([0-9a-f]{32})/.exec(text)?.[1];
  if (orderNumber === undefined) throw new Error("a notification about nothing was acknowledged");
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
    const sealed = Buffer.from(resource["ciphertext"] ?? "", "base64");
    const open = createDecipheriv("aes-256-gcm", apiV3Key, resource["nonce"] ?? "");
    open.setAAD(Buffer.from(resource["associated_data"] ?? ""));
    open.setAuthTag(sealed.subarray(-16));
    return open.update(sealed.subarray(0, -16)).toString("utf8") + open.final("utf8");
  }
  if (path.endsWith("/pay")) return body;
  const sealed = /<req_info>(?:<!\[CDATA\[)?([A-Za-z0-9+/=]+)/.exec(body)?.[1] ?? "";
  const key = createHash("md5").update(apiKey).digest("hex");
  const open = createDecipheriv("aes-256-ecb", key, null);
  return open.update(sealed, "base64", "utf8") + open.final("utf8");
}
