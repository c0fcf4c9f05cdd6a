import type { Tampering } from "../ledger/fault-names.ts";
import { newNonce } from "../protocol/ids.ts";
import { FIRST_CERTIFICATE, SECOND_CERTIFICATE, type SandboxKey } from "../sandbox-keys.ts";
import { responseMessage, sign } from "./sign.ts";

/** A body and the headers of its signature. */
export interface SignedMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

// More than 5 minutes off is refused (W-70).
const WRONG_CLOCK_S = 301;
const UNKNOWN_SERIAL = "5A4DB0FF00000000000000000000000000000000";
const PROBE_PREFIX = "WECHATPAY/SIGNTEST/";

/** Signs a response or a notification at an instant (Unix ms), and applies the given tampering. */
export function signBody(
  body: string,
  key: SandboxKey,
  now: number,
  tampering: Tampering | null,
): SignedMessage {
  const seconds = Math.floor(now / 1000);
  if (tampering === null) return signAt(body, key, seconds);
  switch (tampering.kind) {
    case "probe": {
      const message = signAt(body, key, seconds);
      const signature = message.headers["Wechatpay-Signature"] ?? "";
      return withHeader(message, "Wechatpay-Signature", PROBE_PREFIX + signature);
    }
    case "wrong-clock":
      return signAt(body, key, seconds - WRONG_CLOCK_S);
    case "unknown-serial":
      return withHeader(signAt(body, key, seconds), "Wechatpay-Serial", UNKNOWN_SERIAL);
    case "other-body":
      return { ...signAt(`${body} `, key, seconds), body };
    case "forged": {
      const otherKey = key.id === FIRST_CERTIFICATE.id ? SECOND_CERTIFICATE : FIRST_CERTIFICATE;
      return withHeader(signAt(body, otherKey, seconds), "Wechatpay-Serial", key.id);
    }
    case "unsigned":
      return { headers: {}, body };
    case "truncated":
      return { ...signAt(body, key, seconds), body: body.slice(0, Math.floor(body.length / 2)) };
    case "missing-header": {
      const { [tampering.header]: _omitted, ...headers } = signAt(body, key, seconds).headers;
      return { headers, body };
    }
  }
}

function signAt(body: string, key: SandboxKey, seconds: number): SignedMessage {
  const timestamp = String(seconds);
  const nonce = newNonce();
  return {
    headers: {
      "Wechatpay-Timestamp": timestamp,
      "Wechatpay-Nonce": nonce,
      "Wechatpay-Signature": sign(responseMessage(timestamp, nonce, body), key.privateKey),
      "Wechatpay-Serial": key.id,
      "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
    },
    body,
  };
}

function withHeader(message: SignedMessage, name: string, value: string): SignedMessage {
  return { ...message, headers: { ...message.headers, [name]: value } };
}
