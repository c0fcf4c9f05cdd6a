import { isIP } from "node:net";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { parseBeijingCompact } from "../protocol/time.ts";
import { placeOrder } from "../rules/place-order.ts";
import type { AuthenticatedCall } from "./call.ts";
import { ERROR_CODES } from "./error-codes.ts";
import {
  BEIJING_TIME,
  businessParams,
  choice,
  COMMON_FIELDS,
  maxBytes,
  maxCharacters,
  NOTIFY_URL,
  OUT_TRADE_NO,
  pattern,
  required,
  satisfying,
  wholeNumber,
  type FieldTable,
} from "./fields.ts";
import { success, type ApiResponse } from "./response.ts";

/** Fields of unifiedorder (W-18). WeChat also has NATIVE, APP and MWEB; the sandbox has JSAPI only. */
export const PREPAY_FIELDS: FieldTable = {
  fields: {
    ...COMMON_FIELDS,
    body: required(maxBytes(127)),
    out_trade_no: required(OUT_TRADE_NO),
    total_fee: required(wholeNumber(1)),
    spbill_create_ip: required(satisfying((value) => isIP(value) !== 0)),
    notify_url: required(NOTIFY_URL),
    trade_type: required(choice("JSAPI")),
    openid: required(pattern(/^[0-9A-Za-z_-]{1,128}$/)),
    attach: maxBytes(127),
    fee_type: choice("CNY"),
    time_start: BEIJING_TIME,
    time_expire: BEIJING_TIME,
    device_info: maxCharacters(32),
    detail: maxBytes(6000),
    goods_tag: maxBytes(32),
    product_id: maxCharacters(32),
    limit_pay: choice("no_credit"),
    receipt: choice("Y"),
    profit_sharing: choice("Y", "N"),
    scene_info: maxBytes(256),
    version: maxCharacters(32),
    user_type: maxCharacters(32),
    user_creid: maxCharacters(32),
    user_truename: maxCharacters(64),
  },
};

// According to a WeChat response, all but card payments need at least 5 minutes.
const MIN_LIFETIME_MS = 5 * 60 * 1000;

/** POST /pay/unifiedorder: creates an order and issues a prepay_id (W-18). */
export function prepay(
  ledger: LedgerTransaction,
  { merchant, signType, params }: AuthenticatedCall,
): ApiResponse {
  const deviceInfo = params.get("device_info") ?? null;
  const placed = placeOrder(ledger, {
    mchId: merchant.mchId,
    appId: params.get("appid") ?? "",
    outTradeNo: params.get("out_trade_no") ?? "",
    totalFee: Number(params.get("total_fee")),
    terms: {
      description: params.get("body") ?? "",
      openid: params.get("openid") ?? "",
      notifyUrl: params.get("notify_url") ?? "",
      attach: params.get("attach") ?? null,
      deviceInfo,
    },
    signType,
    serialNo: null,
    params: businessParams(params),
    expiresAt: parseBeijingCompact(params.get("time_expire") ?? ""),
    minLifetimeMs: MIN_LIFETIME_MS,
  });
  if (!placed.ok) return ERROR_CODES[placed.error];
  return success([
    ...(deviceInfo === null ? [] : [["device_info", deviceInfo] as const]),
    ["trade_type", "JSAPI"],
    ["prepay_id", placed.value.prepayId],
  ]);
}
