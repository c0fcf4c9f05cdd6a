import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The parts of a request that are signed; `target` is the path and query exactly as sent. */
export interface SignedRequest {
  method: string;
  target: string;
  timestamp: string;
  nonce: string;
  body: string;
}

/** What a merchant signs: five lines, each ended by LF. WeChat docs: APIv3, "request signature". */
export function requestMessage(request: SignedRequest): string {
  const { method, target, timestamp, nonce, body } = request;
  return lines(method, target, timestamp, nonce, body);
}

/** What WeChat signs in replies and notifications: three lines. */
export function replyMessage(timestamp: string, nonce: string, body: string): string {
  return lines(timestamp, nonce, body);
}

/** What a page's `paySign` signs: four lines. WeChat docs: JSAPI, "getBrandWCPayRequest". */
export function bridgeMessage(
  appId: string,
  timeStamp: string,
  nonceStr: string,
  packageText: string,
): string {
  return lines(appId, timeStamp, nonceStr, packageText);
}

/** RSASSA-PKCS1-v1_5 with SHA-256 over the message's UTF-8, in base64. */
export function signMessage(message: string, privateKey: string): string {
  return sign("sha256", Buffer.from(message, "utf8"), createPrivateKey(privateKey)).toString(
    "base64",
  );
}

/** Whether a signature is base64 proper, and the message's by this key. Never throws for its sake. */
export function signatureMatches(signature: string, message: string, publicKey: string): boolean {
  if (!BASE64.test(signature)) return false;
  const bytes = Buffer.from(signature, "base64");
  return verify("sha256", Buffer.from(message, "utf8"), createPublicKey(publicKey), bytes);
}

function lines(...parts: string[]): string {
  return parts.map((part) => `${part}\n`).join("");
}
