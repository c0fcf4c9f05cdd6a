import { createDecipheriv } from "node:crypto";
import { md5Hex } from "./sign.ts";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The key of `req_info`: the 32 *characters* of the lower-case hex MD5 of the API key. */
export async function reqInfoKey(apiKey: string): Promise<string> {
  return await md5Hex(apiKey);
}

/**
 * Decrypts `req_info` (WeChat: AES-256-ECB, PKCS#7, in base64); null when it isn't that, or was
 * made with another key. Through node:crypto, since Web Crypto leaves ECB out, and rightly so.
 */
export function decryptReqInfo(reqInfo: string, key: string): Uint8Array | null {
  if (reqInfo === "" || !BASE64.test(reqInfo)) return null;
  try {
    const decipher = createDecipheriv("aes-256-ecb", key, null);
    return Buffer.concat([decipher.update(reqInfo, "base64"), decipher.final()]);
  } catch {
    // Wrong padding or an odd length: node:crypto throws for both.
    return null;
  }
}
