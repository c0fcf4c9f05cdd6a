import { createCipheriv } from "node:crypto";
import { reqInfoKey } from "../../../src/wechat/v2/notifications.ts";
import { sign } from "../../../src/wechat/v2/sign.ts";
import { writeXml } from "../../../src/wechat/v2/xml.ts";
import type { V2SignType } from "../../../src/wechat/types.ts";
import {
  API_KEY,
  APP_ID,
  merchant,
  ORDER_NUMBER,
  REFUND_ID,
  REFUND_NO,
  TRANSACTION_ID,
} from "./fixtures.ts";

export type Fields = Record<string, string>;

/** The fields of every verified answer; `fields` overrides or adds some. */
export function answerFields(fields: Fields = {}): Fields {
  return {
    return_code: "SUCCESS",
    return_msg: "OK",
    appid: APP_ID,
    mch_id: merchant.mchId,
    nonce_str: "5d2b6c2a8db53831f7eda20af46e531c",
    result_code: "SUCCESS",
    ...fields,
  };
}

/** The message, unsigned unless `fields` has a `sign`. */
export function xmlOf(fields: Fields): string {
  const xml = writeXml(new Map(Object.entries(fields)));
  if (!xml.ok) throw new Error(`not writable: ${xml.error}`);
  return xml.value;
}

/** The message with a valid signature. */
export async function signedXml(
  fields: Fields,
  signType: V2SignType = "HMAC-SHA256",
  apiKey: string = API_KEY,
): Promise<string> {
  const signature = await sign(new Map(Object.entries(fields)), apiKey, signType);
  return xmlOf({ ...fields, sign: signature });
}

/** A payment notification for the fixtures' order; sign it with `signedXml`. */
export function paymentNotification(fields: Fields = {}): Fields {
  return answerFields({
    openid: "oUpF8uMEb4qRXf22hE3X68TekukE",
    is_subscribe: "N",
    trade_type: "JSAPI",
    bank_type: "CFT",
    total_fee: "888",
    cash_fee: "878",
    coupon_fee: "10",
    coupon_count: "1",
    fee_type: "CNY",
    transaction_id: TRANSACTION_ID,
    out_trade_no: ORDER_NUMBER,
    attach: "支付测试",
    time_end: "20140903131540",
    ...fields,
  });
}

/** The content of `req_info` for the fixtures' refund. */
export function refundInfo(fields: Fields = {}): Fields {
  return {
    out_refund_no: REFUND_NO,
    out_trade_no: ORDER_NUMBER,
    refund_account: "REFUND_SOURCE_RECHARGE_FUNDS",
    refund_fee: "100",
    refund_id: REFUND_ID,
    refund_recv_accout: "支付用户零钱",
    refund_request_source: "API",
    refund_status: "SUCCESS",
    settlement_refund_fee: "100",
    settlement_total_fee: "888",
    success_time: "2018-11-19 16:24:13",
    total_fee: "888",
    transaction_id: TRANSACTION_ID,
    ...fields,
  };
}

/** Encrypts the content of `req_info` as WeChat does. */
export async function encryptReqInfo(inner: string, apiKey: string = API_KEY): Promise<string> {
  const cipher = createCipheriv("aes-256-ecb", await reqInfoKey(apiKey), null);
  return Buffer.concat([cipher.update(inner, "utf8"), cipher.final()]).toString("base64");
}

/** A complete refund notification with `info` encrypted in it. */
export async function refundNotification(
  info: Fields,
  outer: Fields = {},
  apiKey: string = API_KEY,
): Promise<string> {
  const inner = xmlOf(info)
    .replace(/^<xml>/, "<root>")
    .replace(/<\/xml>$/, "</root>");
  return xmlOf({
    return_code: "SUCCESS",
    appid: APP_ID,
    mch_id: merchant.mchId,
    nonce_str: "TeqClE3i0mvn3DrK",
    req_info: await encryptReqInfo(inner, apiKey),
    ...outer,
  });
}
