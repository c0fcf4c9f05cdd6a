import { createHash, createHmac } from "node:crypto";
import type { SandboxOrder } from "../../../scripts/support/sandbox-client.ts";

/**
 * WeChat's payment notification, written from WeChat's description and sharing nothing with the
 * gateway or the sandbox.
 */

export type SignType = "MD5" | "HMAC-SHA256";
export type Fields = Readonly<Record<string, string>>;

/** The fields of the notification of a paid order, still without `sign`. */
export function paymentFields(order: SandboxOrder): Fields {
  return {
    appid: order.appId,
    bank_type: "OTHERS",
    cash_fee: String(order.totalFee),
    fee_type: "CNY",
    is_subscribe: "N",
    mch_id: order.mchId,
    nonce_str: "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
    openid: order.openid,
    out_trade_no: order.outTradeNo,
    result_code: "SUCCESS",
    return_code: "SUCCESS",
    time_end: "20261122153000",
    total_fee: String(order.totalFee),
    trade_type: "JSAPI",
    transaction_id: order.transactionId ?? "4200000000202611220000000000",
  };
}

/** The notification's body, signed. */
export function signedXml(fields: Fields, apiKey: string, signType: SignType): string {
  return xml({ ...fields, sign: sign(fields, apiKey, signType) });
}

export function xml(fields: Fields): string {
  const elements = Object.entries(fields).map(([name, value]) => {
    return `<${name}><![CDATA[${value}]]></${name}>`;
  });
  return `<xml>\n${elements.join("\n")}\n</xml>`;
}

/** Posts a notification as WeChat does; returns the answer's return_code. */
export async function post(url: string, body: string): Promise<string> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "text/xml" },
    body,
  });
  const answer = await response.text();
  const [, code] = /<return_code><!\[CDATA\[(\w+)\]\]><\/return_code>/.exec(answer) ?? [];
  if (response.status !== 200 || code === undefined) {
    throw new Error(`HTTP ${response.status}: ${answer}`);
  }
  return code;
}

/** WeChat: non-empty values sorted by name, `&key=`, MD5 or HMAC-SHA256, upper-case hex. */
function sign(fields: Fields, apiKey: string, signType: SignType): string {
  const pairs = Object.keys(fields)
    .filter((name) => fields[name] !== "")
    .toSorted()
    .map((name) => `${name}=${fields[name] ?? ""}`);
  const text = `${pairs.join("&")}&key=${apiKey}`;
  const hash = signType === "MD5" ? createHash("md5") : createHmac("sha256", apiKey);
  return hash.update(text, "utf8").digest("hex").toUpperCase();
}
