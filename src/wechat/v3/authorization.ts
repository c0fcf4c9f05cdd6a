import type { V3Merchant } from "../types.ts";
import { sign } from "./rsa.ts";

/** The signed part of a request. */
export interface SignedRequest {
  readonly method: "GET" | "POST";
  /** Path and query, exactly as they are sent. */
  readonly path: string;
  /** The body exactly as sent; empty for a GET. */
  readonly body: string;
  /** Unix seconds; WeChat refuses a clock that is off by five minutes (W-66). */
  readonly timestamp: number;
  readonly nonce: string;
}

/** The signed text (W-64): five lines, each ending with a line feed, including the last. */
export function requestText({ method, path, timestamp, nonce, body }: SignedRequest): string {
  return [method, path, String(timestamp), nonce, body, ""].join("\n");
}

/** The `Authorization` header of a request, signed with the merchant's private key. */
export async function authorization(
  { mchId, v3 }: Pick<V3Merchant, "mchId" | "v3">,
  request: SignedRequest,
): Promise<string> {
  const values = {
    mchid: mchId,
    nonce_str: request.nonce,
    timestamp: String(request.timestamp),
    serial_no: v3.serialNo,
    signature: await sign(requestText(request), v3),
  };
  const fields = Object.entries(values).map(([name, value]) => `${name}="${value}"`);
  return `WECHATPAY2-SHA256-RSA2048 ${fields.join(",")}`;
}
