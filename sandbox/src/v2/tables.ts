import { isIP } from "node:net";
import { BILL_TYPES } from "../bill/columns.ts";
import { billDay } from "../bill/day.ts";
import {
  bytes,
  characters,
  choice,
  pattern,
  required,
  satisfying,
  wholeNumber,
  type FieldTable,
} from "./fields.ts";
import { parseBeijingCompact } from "../protocol/time.ts";

const COMMON = {
  appid: required(pattern(/^[0-9A-Za-z]{1,32}$/)),
  mch_id: required(pattern(/^\d{1,32}$/)),
  nonce_str: required(pattern(/^[0-9A-Za-z]{1,32}$/)),
  sign: required(pattern(/^[0-9A-F]{32}([0-9A-F]{32})?$/)),
  sign_type: choice("MD5", "HMAC-SHA256"),
};

const outTradeNo = pattern(/^[0-9A-Za-z_\-|*]{6,32}$/);
const outRefundNo = pattern(/^[0-9A-Za-z_\-|*@]{1,64}$/);
const transactionId = pattern(/^\d{1,32}$/);
const refundId = pattern(/^\d{1,32}$/);
const beijingTime = satisfying((value) => parseBeijingCompact(value) !== undefined);
const notifyUrl = satisfying(isNotifyUrl);

/** WeChat docs: unifiedorder. NATIVE, APP and MWEB exist at WeChat; the sandbox has JSAPI only. */
export const UNIFIED_ORDER: FieldTable = {
  fields: {
    ...COMMON,
    body: required(bytes(127)),
    out_trade_no: required(outTradeNo),
    total_fee: required(wholeNumber(1)),
    spbill_create_ip: required(satisfying((value) => isIP(value) !== 0)),
    notify_url: required(notifyUrl),
    trade_type: required(choice("JSAPI")),
    openid: required(pattern(/^[0-9A-Za-z_-]{1,128}$/)),
    attach: bytes(127),
    fee_type: choice("CNY"),
    time_start: beijingTime,
    time_expire: beijingTime,
    device_info: characters(32),
    detail: bytes(6000),
    goods_tag: characters(32),
    product_id: characters(32),
    limit_pay: choice("no_credit"),
    receipt: choice("Y"),
    profit_sharing: choice("Y", "N"),
    scene_info: bytes(256),
    version: characters(32),
    user_type: characters(32),
    user_creid: characters(32),
    user_truename: characters(64),
  },
};

/** WeChat docs: orderquery. */
export const ORDER_QUERY: FieldTable = {
  fields: { ...COMMON, transaction_id: transactionId, out_trade_no: outTradeNo },
  oneOf: ["transaction_id", "out_trade_no"],
};

/** WeChat docs: closeorder. */
export const CLOSE_ORDER: FieldTable = {
  fields: { ...COMMON, out_trade_no: required(outTradeNo) },
};

/** WeChat docs: refund. */
export const REFUND: FieldTable = {
  fields: {
    ...COMMON,
    transaction_id: transactionId,
    out_trade_no: outTradeNo,
    out_refund_no: required(outRefundNo),
    total_fee: required(wholeNumber(1)),
    refund_fee: required(wholeNumber(1)),
    refund_fee_type: choice("CNY"),
    refund_desc: characters(80),
    refund_account: choice("REFUND_SOURCE_UNSETTLED_FUNDS", "REFUND_SOURCE_RECHARGE_FUNDS"),
    notify_url: notifyUrl,
  },
  oneOf: ["transaction_id", "out_trade_no"],
};

/** WeChat docs: refundquery. */
export const REFUND_QUERY: FieldTable = {
  fields: {
    ...COMMON,
    refund_id: refundId,
    out_refund_no: outRefundNo,
    transaction_id: transactionId,
    out_trade_no: outTradeNo,
    offset: wholeNumber(0),
  },
  oneOf: ["refund_id", "out_refund_no", "transaction_id", "out_trade_no"],
};

/** WeChat docs: downloadbill. */
export const DOWNLOAD_BILL: FieldTable = {
  fields: {
    ...COMMON,
    bill_date: required(satisfying((value) => billDay(value) !== undefined)),
    bill_type: choice(...BILL_TYPES),
    tar_type: choice("GZIP"),
  },
};

/** WeChat docs: a full address without a query string, at most 256 characters. */
function isNotifyUrl(value: string): boolean {
  if (value.length > 256 || /[\s?#]/.test(value) || !URL.canParse(value)) return false;
  const url = new URL(value);
  return /^https?:\/\//.test(value) && url.username === "" && url.password === "";
}
