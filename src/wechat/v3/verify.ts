import { Buffer } from "node:buffer";
import { err, ok, type Result } from "../../lib/result.ts";
import type { VerifyKey } from "../types.ts";
import { isSigned } from "./rsa.ts";

/** An unchanged message from WeChat: a reply or a notification. */
export interface Message {
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** Why a message isn't trustworthy. `detail` is for logs and never contains a value. */
export interface VerifyFault {
  /**
   * `probe`: WeChat tests whether signatures are verified (W-71). `unsigned`: a header is missing,
   * empty, repeated or malformed. `stale`: the timestamp is too old or too new.
   */
  readonly kind: "probe" | "unsigned" | "stale" | "unknown-key" | "wrong-signature";
  readonly detail: string;
}

/** The verifying key with exactly this id, or null. */
export type KeyLookup = (id: string) => Promise<VerifyKey | null>;

/** WeChat's own SDK refuses a difference of five minutes or more, in whole seconds (W-70). */
const WINDOW_SECONDS = 300;
/** The prefix of WeChat's probe signatures, which must fail (W-71). */
const PROBE = "WECHATPAY/SIGNTEST/";
const SIGNATURE_TYPE = "WECHATPAY2-SHA256-RSA2048";

/** None of these matches a comma, which separates the values of a repeated header. */
const SHAPES = {
  "wechatpay-timestamp": /^[1-9]\d{9}$/,
  "wechatpay-nonce": /^[\x21-\x2b\x2d-\x7e]{1,128}$/,
  "wechatpay-serial": /^[0-9A-Za-z_]{1,128}$/,
  "wechatpay-signature": /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
} as const;

/**
 * Verifies WeChat's signature over the raw body (W-69), with the key that `Wechatpay-Serial` names
 * exactly: nothing is inferred from the id's form.
 */
export async function verify(
  { headers, body }: Message,
  findKey: KeyLookup,
  nowAt: number,
): Promise<Result<null, VerifyFault>> {
  if ((headers.get("wechatpay-signature") ?? "").startsWith(PROBE)) {
    return fault("probe", "a signature probe");
  }
  const missing = Object.entries(SHAPES).find(
    ([name, shape]) => !shape.test(headers.get(name) ?? ""),
  );
  if (missing !== undefined) return fault("unsigned", missing[0]);
  const type = headers.get("wechatpay-signature-type");
  if (type !== null && type !== SIGNATURE_TYPE)
    return fault("unsigned", "wechatpay-signature-type");

  const { timestamp, nonce, serial, signature } = read(headers);
  if (Math.abs(Math.floor(nowAt / 1000) - Number(timestamp)) >= WINDOW_SECONDS) {
    return fault("stale", "wechatpay-timestamp");
  }
  const key = await findKey(serial);
  if (key === null) return fault("unknown-key", "wechatpay-serial");
  if (!isValidAt(key, nowAt)) return fault("unknown-key", "the certificate is not valid now");
  const text = Buffer.concat([Buffer.from(`${timestamp}\n${nonce}\n`), body, Buffer.from("\n")]);
  return (await isSigned(text, signature, key))
    ? ok(null)
    : fault("wrong-signature", "wechatpay-signature");
}

function read(headers: Headers) {
  const textOf = (name: keyof typeof SHAPES): string => headers.get(name) ?? "";
  return {
    timestamp: textOf("wechatpay-timestamp"),
    nonce: textOf("wechatpay-nonce"),
    serial: textOf("wechatpay-serial"),
    signature: Buffer.from(textOf("wechatpay-signature"), "base64"),
  };
}

/** A certificate is valid within its dates; a public key has no dates. */
function isValidAt({ notBefore, notAfter }: VerifyKey, nowAt: number): boolean {
  return (notBefore === null || notBefore <= nowAt) && (notAfter === null || nowAt <= notAfter);
}

function fault(
  kind: VerifyFault["kind"],
  detail: string,
): { readonly ok: false; readonly error: VerifyFault } {
  return err({ kind, detail });
}
