import { rejected, type Rejection } from "./answers.ts";
import { signMatches, signTypeOf, type SignType } from "./sign.ts";
import { utf8 } from "../protocol/text.ts";
import { readXml } from "./xml.ts";
import { findMerchant, type Merchant } from "../ledger/merchants.ts";

/** A call whose sender is proven. */
export interface ApiRequest {
  merchant: Merchant;
  signType: SignType;
  /** All parameters that have a value, `sign` among them. */
  params: ReadonlyMap<string, string>;
}

export type Admission = { ok: true; request: ApiRequest } | { ok: false; rejection: Rejection };

const BODY_LIMIT_BYTES = 64 * 1024;

/**
 * Reads a call and proves who sent it. What fails before the signature is proven is answered with
 * return_code FAIL and no sign, since there is no key to sign with that the caller is known to have.
 *
 * At WeChat, `/secapi/pay/refund` also asks for the merchant's client certificate during the TLS
 * handshake. That can't be had on a plain local port: the sandbox takes refunds without one.
 */
export function admit(sql: SqlStorage, method: string, body: Uint8Array): Admission {
  if (method !== "POST") return no("REQUIRE_POST_METHOD", "请使用post方法");
  if (body.byteLength === 0) return no("POST_DATA_EMPTY", "post数据为空");
  if (body.byteLength > BODY_LIMIT_BYTES) return no("XML_FORMAT_ERROR", "XML格式错误");
  const text = utf8(body);
  if (text === undefined) return no("NOT_UTF8", "编码格式错误");
  const reading = readXml(text);
  if (!reading.ok || reading.root !== "xml") return no("XML_FORMAT_ERROR", "XML格式错误");

  const params = new Map([...reading.fields].filter(([, value]) => value !== ""));
  const mchId = params.get("mch_id");
  const sign = params.get("sign");
  if (mchId === undefined) return no("LACK_PARAMS", "缺少参数mch_id");
  if (sign === undefined) return no("LACK_PARAMS", "缺少参数sign");
  const signType = signTypeOf(params.get("sign_type"));
  if (signType === undefined) return no("PARAM_ERROR", "invalid sign_type");
  const merchant = findMerchant(sql, mchId);
  if (merchant === undefined) return no("MCHID_NOT_EXIST", "商户号mch_id不存在");
  if (!signMatches(sign, params, merchant.apiKey, signType)) return no("SIGNERROR", "签名错误");
  return { ok: true, request: { merchant, signType, params } };
}

function no(code: string, message: string): Admission {
  return { ok: false, rejection: rejected(code, message) };
}
