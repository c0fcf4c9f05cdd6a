import { findMerchant } from "../ledger/merchants.ts";
import { decodeUtf8 } from "../protocol/text.ts";
import { ok, type Result } from "../result.ts";
import type { AuthenticatedCall } from "./call.ts";
import { communicationFailure, type CommunicationFailure } from "./response.ts";
import { parseSignType, verifySign } from "./sign.ts";
import { readXml } from "./xml.ts";

const MAX_BODY_BYTES = 64 * 1024;

/**
 * Parses a call and verifies its sign. Failures have return_code FAIL and no sign, because no key is
 * known to belong to the caller.
 *
 * At WeChat, `/secapi/pay/refund` also requires the merchant's client certificate in the TLS
 * handshake, which a plain local port can't request: the sandbox accepts refunds without it.
 */
export function authenticate(
  sql: SqlStorage,
  method: string,
  body: Uint8Array,
): Result<AuthenticatedCall, CommunicationFailure> {
  if (method !== "POST") return fail("REQUIRE_POST_METHOD", "请使用post方法");
  if (body.byteLength === 0) return fail("POST_DATA_EMPTY", "post数据为空");
  if (body.byteLength > MAX_BODY_BYTES) return fail("XML_FORMAT_ERROR", "XML格式错误");
  const text = decodeUtf8(body);
  if (text === null) return fail("NOT_UTF8", "编码格式错误");
  const document = readXml(text);
  if (!document.ok || document.value.root !== "xml") {
    return fail("XML_FORMAT_ERROR", "XML格式错误");
  }
  const params = new Map([...document.value.fields].filter(([, value]) => value !== ""));
  const mchId = params.get("mch_id");
  const sign = params.get("sign");
  if (mchId === undefined) return fail("LACK_PARAMS", "缺少参数mch_id");
  if (sign === undefined) return fail("LACK_PARAMS", "缺少参数sign");
  const signType = parseSignType(params.get("sign_type") ?? null);
  if (signType === null) return fail("PARAM_ERROR", "invalid sign_type");
  const merchant = findMerchant(sql, mchId);
  if (merchant === null) return fail("MCHID_NOT_EXIST", "商户号mch_id不存在");
  if (!verifySign(sign, params, merchant.apiKey, signType)) return fail("SIGNERROR", "签名错误");
  return ok({ merchant, signType, params });
}

function fail(
  code: string,
  message: string,
): { readonly ok: false; readonly error: CommunicationFailure } {
  return { ok: false, error: communicationFailure(code, message) };
}
