import { z } from "zod";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { parseRfc3339 } from "../protocol/time.ts";
import { placeOrder } from "../rules/place-order.ts";
import { ERROR_CODES } from "./error-codes.ts";
import {
  appid,
  businessParams,
  currency,
  fen,
  fenOrZero,
  mchid,
  notifyUrl,
  outTradeNo,
  rfc3339,
  text,
} from "./fields.ts";
import { success, type ApiResponse } from "./response.ts";

const orderDetail = z
  .strictObject({
    cost_price: fenOrZero.optional(),
    invoice_id: text(32).optional(),
    goods_detail: z
      .array(
        z.strictObject({
          merchant_goods_id: text(32),
          wechatpay_goods_id: text(32).optional(),
          goods_name: text(256).optional(),
          quantity: z.int().min(1),
          unit_price: fenOrZero,
        }),
      )
      .min(1)
      .optional(),
  })
  .refine((it) => Buffer.byteLength(JSON.stringify(it), "utf8") <= 6144, "长度超过6144字节");

const sceneInfo = z.strictObject({
  payer_client_ip: text(45),
  device_id: text(32).optional(),
  store_info: z
    .strictObject({
      id: text(32),
      name: text(256).optional(),
      area_code: text(32).optional(),
      address: text(512).optional(),
    })
    .optional(),
});

/** Body of the JSAPI order (W-80). */
export const prepayBody = z.strictObject({
  appid,
  mchid,
  description: text(127),
  out_trade_no: outTradeNo,
  time_expire: rfc3339.optional(),
  attach: text(128).optional(),
  notify_url: notifyUrl(255),
  goods_tag: text(32).optional(),
  support_fapiao: z.boolean().optional(),
  amount: z.strictObject({ total: fen, currency: currency.optional() }),
  payer: z.strictObject({ openid: z.string().regex(/^[0-9A-Za-z_-]{1,128}$/, "无效的openid") }),
  detail: orderDetail.optional(),
  scene_info: sceneInfo.optional(),
  settle_info: z.strictObject({ profit_sharing: z.boolean().optional() }).optional(),
  limit_pay: z.array(z.enum(["no_balance", "no_credit", "no_debit", "balance_only"])).optional(),
});
export type PrepayBody = z.infer<typeof prepayBody>;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** POST /v3/pay/transactions/jsapi: creates an order. Body of the JSAPI order (W-80). */
export function prepay(ledger: LedgerTransaction, body: PrepayBody, serialNo: string): ApiResponse {
  const placed = placeOrder(ledger, {
    mchId: body.mchid,
    appId: body.appid,
    outTradeNo: body.out_trade_no,
    totalFee: body.amount.total,
    terms: {
      description: body.description,
      openid: body.payer.openid,
      notifyUrl: body.notify_url,
      attach: body.attach ?? null,
      deviceInfo: body.scene_info?.device_id ?? null,
    },
    signType: "RSA",
    serialNo,
    params: businessParams(body),
    expiresAt: expiryOf(body.time_expire ?? null, ledger.now),
    minLifetimeMs: 0,
  });
  return placed.ok ? success({ prepay_id: placed.value.prepayId }) : ERROR_CODES[placed.error];
}

/** WeChat raises less than a minute to a minute, and lowers more than 15 days to 15 days. */
function expiryOf(timeExpire: string | null, now: number): number | null {
  if (timeExpire === null) return null;
  const requested = parseRfc3339(timeExpire) ?? now;
  return Math.min(Math.max(requested, now + MINUTE_MS), now + 15 * DAY_MS);
}
