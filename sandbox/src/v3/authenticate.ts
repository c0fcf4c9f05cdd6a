import { createHash } from "node:crypto";
import { findMerchant, type Merchant } from "../ledger/merchants.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { decodeUtf8 } from "../protocol/text.ts";
import { err, ok, type Result } from "../result.ts";
import type { SandboxKey } from "../sandbox-keys.ts";
import { readAuthorization, type Authorization } from "./authorization.ts";
import { checkHeaders, type RequestHeaders } from "./headers.ts";
import { apiError, type ApiError } from "./response.ts";
import { requestMessage, verifySignature } from "./sign.ts";
import { keyForResponse } from "./signing-key.ts";

/** A call as received. */
export interface IncomingCall {
  readonly method: string;
  /** The sandbox's origin as the caller knows it. */
  readonly origin: string;
  /** The path and query exactly as sent, because they are signed. */
  readonly target: string;
  readonly headers: RequestHeaders;
  readonly body: Uint8Array;
}

/** A call with a verified signature. */
export interface AuthenticatedCall {
  readonly merchant: Merchant;
  /** The serial number of the merchant's key that signed the call. */
  readonly serialNo: string;
  readonly body: string;
  /** The key that signs the response. */
  readonly responseKey: SandboxKey;
}

const MAX_BODY_BYTES = 64 * 1024;
const MAX_CLOCK_SKEW_MS = 5 * 60 * 1000;

/** Verifies the signature of a call, cheap checks first. */
export function authenticate(
  ledger: LedgerTransaction,
  { method, target, headers, body }: IncomingCall,
): Result<AuthenticatedCall, ApiError> {
  const headerError = checkHeaders(headers, body.byteLength > 0);
  if (headerError !== null) return err(headerError);
  const text = body.byteLength > MAX_BODY_BYTES ? null : decodeUtf8(body);
  if (text === null) return err(apiError("PARAM_ERROR", "请求体过大或不是UTF-8"));
  if (method === "GET" && text !== "") {
    return err(apiError("PARAM_ERROR", "GET请求不能有请求体"));
  }
  const parsed = readAuthorization(headers.authorization ?? "");
  if (!parsed.ok) return err(authorizationError("Authorization不合法", parsed.error));
  const authorization = parsed.value;
  // Before the signature, so that a wrong clock and a wrong key have different errors.
  if (Math.abs(ledger.now - Number(authorization.timestamp) * 1000) > MAX_CLOCK_SKEW_MS) {
    return err(
      authorizationError(
        "Authorization中的时间戳与当前时间相差超过5分钟",
        "timestamp is too far off",
      ),
    );
  }
  const merchant = findMerchant(ledger.sql, authorization.mchid);
  if (merchant === null) return err(apiError("MCH_NOT_EXISTS", "商户号不存在"));
  const serialNo = authorization.serial_no.toUpperCase();
  const key = merchant.keys.find((it) => it.serialNo === serialNo);
  if (key === undefined) {
    return err(authorizationError("商户证书序列号有误", "serial_no is not the merchant's"));
  }
  const message = requestMessage({
    method,
    target,
    timestamp: authorization.timestamp,
    nonce: authorization.nonce_str,
    body: text,
  });
  if (!verifySignature(authorization.signature, message, key.publicKey)) {
    return err(signatureError(authorization, method, target, message));
  }
  const requestedKeyId = headers["wechatpay-serial"] ?? null;
  const responseKey = keyForResponse(merchant, requestedKeyId);
  if (responseKey === null) return err(responseKeyError(requestedKeyId));
  return ok({ merchant, serialNo, body: text, responseKey });
}

/**
 * Identifies the repeats of a call: a hash of everything except the time, the nonce and the
 * signature.
 */
export function fingerprintOf(
  { method, target }: IncomingCall,
  { merchant, body }: AuthenticatedCall,
): string {
  const all = [merchant.mchId, method, target, body].join("\n");
  return createHash("sha256").update(all, "utf8").digest("hex");
}

/** The error of a wrong signature, with the message that should have been signed. */
function signatureError(
  { mchid, serial_no: serialNo }: Authorization,
  method: string,
  target: string,
  message: string,
): ApiError {
  return apiError("SIGN_ERROR", "签名错误，请检查后再试", {
    detail: {
      field: "signature",
      issue: "sign not match",
      location: "authorization",
      sign_information: {
        method,
        url: target,
        mchid,
        serial_no: serialNo,
        sign_message_length: Buffer.byteLength(message, "utf8"),
        truncated_sign_message: message.slice(0, 200),
      },
    },
  });
}

function authorizationError(message: string, issue: string): ApiError {
  return apiError("SIGN_ERROR", message, { detail: { issue, location: "authorization" } });
}

function responseKeyError(value: string | null): ApiError {
  const field = "Wechatpay-Serial";
  return apiError("PARAM_ERROR", `${field}不是该商户的平台证书序列号或微信支付公钥ID`, {
    detail: { field, value, issue: "not a key of this merchant", location: "header" },
  });
}
