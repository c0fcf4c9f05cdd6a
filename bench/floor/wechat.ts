import { createHmac } from "node:crypto";
import { settings } from "./settings.ts";

/** Calls WeChat as the gateway does, without verifying the answer. */
export async function callWechat(
  baseUrl: string,
  path: string,
  fields: Readonly<Record<string, string>>,
): Promise<string> {
  const { mchId, apiKey, wechatAppId } = settings();
  const nonce = crypto.randomUUID().replaceAll("-", "");
  const all = Object.entries({
    appid: wechatAppId,
    mch_id: mchId,
    nonce_str: nonce,
    sign_type: "HMAC-SHA256",
    ...fields,
  });
  const text = all
    .map(([name, value]) => `${name}=${value}`)
    .toSorted()
    .join("&");
  const sign = createHmac("sha256", apiKey).update(`${text}&key=${apiKey}`).digest("hex");
  const elements = all.map(([name, value]) => `<${name}><![CDATA[${value}]]></${name}>`).join("");
  const response = await fetch(baseUrl + path, {
    method: "POST",
    headers: { "content-type": "text/xml; charset=utf-8" },
    body: `<xml>${elements}<sign>${sign.toUpperCase()}</sign></xml>`,
  });
  return await response.text();
}

/** The value of one element, without a parser. */
export function valueOf(xml: string, name: string): string {
  const value = new RegExp(`<${name}><!\\[CDATA\\[(.*?)\\]\\]>`).exec(xml)?.[1];
  if (value === undefined) throw new Error(`no ${name} in ${xml}`);
  return value;
}
