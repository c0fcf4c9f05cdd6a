import { impossible } from "../exhaustive.ts";
import type { Treatment } from "../ledger/fault-names.ts";
import { newNonce } from "../protocol/ids.ts";
import { FIRST_CERTIFICATE, SECOND_CERTIFICATE, type SandboxKey } from "../sandbox-keys.ts";
import { replyMessage, signMessage } from "./signature.ts";

/** A message with the headers that sign it. */
export interface SealedMessage {
  headers: Record<string, string>;
  body: string;
}

// WeChat docs: more than 5 minutes off is refused.
const WRONG_CLOCK_S = 301;
const UNKNOWN_SERIAL = "5A4DB0FF00000000000000000000000000000000";
const PROBE_PREFIX = "WECHATPAY/SIGNTEST/";

/** Signs a reply or a notification at an instant (Unix ms), and spoils it as a fault wants. */
export function sealed(
  body: string,
  key: SandboxKey,
  now: number,
  treatment?: Treatment,
): SealedMessage {
  const seconds = Math.floor(now / 1000);
  switch (treatment?.kind) {
    case undefined:
      return signed(body, key, seconds);
    case "probe": {
      const message = signed(body, key, seconds);
      const signature = message.headers["Wechatpay-Signature"] ?? "";
      return withHeader(message, "Wechatpay-Signature", PROBE_PREFIX + signature);
    }
    case "wrong-clock":
      return signed(body, key, seconds - WRONG_CLOCK_S);
    case "unknown-serial":
      return withHeader(signed(body, key, seconds), "Wechatpay-Serial", UNKNOWN_SERIAL);
    case "other-body":
      return { ...signed(`${body} `, key, seconds), body };
    case "forged": {
      const stranger = key.id === FIRST_CERTIFICATE.id ? SECOND_CERTIFICATE : FIRST_CERTIFICATE;
      return withHeader(signed(body, stranger, seconds), "Wechatpay-Serial", key.id);
    }
    case "unsigned":
      return { headers: {}, body };
    case "truncated":
      return { ...signed(body, key, seconds), body: body.slice(0, Math.floor(body.length / 2)) };
    case "missing-header": {
      const { [treatment.header]: _left, ...headers } = signed(body, key, seconds).headers;
      return { headers, body };
    }
  }
  return impossible(treatment);
}

function signed(body: string, key: SandboxKey, seconds: number): SealedMessage {
  const timestamp = String(seconds);
  const nonce = newNonce();
  return {
    headers: {
      "Wechatpay-Timestamp": timestamp,
      "Wechatpay-Nonce": nonce,
      "Wechatpay-Signature": signMessage(replyMessage(timestamp, nonce, body), key.privateKey),
      "Wechatpay-Serial": key.id,
      "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
    },
    body,
  };
}

function withHeader(message: SealedMessage, name: string, value: string): SealedMessage {
  return { ...message, headers: { ...message.headers, [name]: value } };
}
