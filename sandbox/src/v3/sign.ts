import * as crypto from "node:crypto";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The signed parts of a request; `target` is the path and query exactly as sent. */
export interface RequestParts {
  readonly method: string;
  readonly target: string;
  readonly timestamp: string;
  readonly nonce: string;
  readonly body: string;
}

/**
 * The message that a merchant signs: five lines, each ended by LF.
 * See W-64.
 */
export function requestMessage(request: RequestParts): string {
  const { method, target, timestamp, nonce, body } = request;
  return joinLines(method, target, timestamp, nonce, body);
}

/** The message that WeChat signs in responses and notifications: three lines. */
export function responseMessage(timestamp: string, nonce: string, body: string): string {
  return joinLines(timestamp, nonce, body);
}

/** The message of a page's `paySign`: four lines (W-26). */
export function bridgeMessage(
  appId: string,
  timeStamp: string,
  nonceStr: string,
  packageText: string,
): string {
  return joinLines(appId, timeStamp, nonceStr, packageText);
}

/** RSASSA-PKCS1-v1_5 with SHA-256 over the message's UTF-8, in base64. */
export function sign(message: string, privateKey: string): string {
  const key = crypto.createPrivateKey(privateKey);
  return crypto.sign("sha256", Buffer.from(message, "utf8"), key).toString("base64");
}

/** Verifies a signature in strict base64. Never throws because of a signature. */
export function verifySignature(signature: string, message: string, publicKey: string): boolean {
  if (!BASE64.test(signature)) return false;
  const bytes = Buffer.from(signature, "base64");
  const key = crypto.createPublicKey(publicKey);
  return crypto.verify("sha256", Buffer.from(message, "utf8"), key, bytes);
}

function joinLines(...parts: readonly string[]): string {
  return parts.map((part) => `${part}\n`).join("");
}
