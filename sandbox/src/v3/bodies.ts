import { z } from "zod";
import { BILL_TYPES } from "../bill/columns.ts";
import { billDay } from "../bill/day.ts";
import type { BillWish } from "./bills.ts";
import { parseRfc3339 } from "../protocol/time.ts";

// The shapes of the numbers: the same in paths and in bodies.
export const outTradeNo = z.string().regex(/^[0-9A-Za-z_\-|*]{6,32}$/, "6-32位字母数字_-|*");
export const outRefundNo = z.string().regex(/^[0-9A-Za-z_\-|*@]{1,64}$/, "1-64位字母数字_-|*@");
export const transactionId = z.string().regex(/^\d{1,32}$/, "1-32位数字");
export const mchid = z.string().regex(/^\d{1,32}$/, "1-32位数字");

const appid = z.string().regex(/^[0-9A-Za-z]{1,32}$/, "1-32位字母数字");
const currency = z.literal("CNY", "币种只支持CNY");
const fen = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);
const fenOrNone = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
const rfc3339 = z
  .string()
  .max(64)
  .refine((value) => parseRfc3339(value) !== undefined, "不是RFC 3339格式的时间");

/** WeChat counts characters or bytes, which is not published: bytes of UTF-8 are the strict side. */
function text(max: number): z.ZodType<string> {
  return z
    .string()
    .min(1)
    .refine((value) => Buffer.byteLength(value, "utf8") <= max, `长度超过${max}字节`);
}

/**
 * A full https address without a query, not longer than `max`. Plain http is let through to this
 * machine alone, which is where a sandbox's merchants live.
 */
function notifyUrl(max: number): z.ZodType<string> {
  return z.string().max(max).refine(isNotifyUrl, "必须是https地址且不能携带参数");
}

function isNotifyUrl(value: string): boolean {
  if (/[\s?#]/.test(value) || !/^https?:\/\//.test(value) || !URL.canParse(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  const loopback = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  return username === "" && password === "" && (protocol === "https:" || loopback);
}

const orderDetail = z
  .strictObject({
    cost_price: fenOrNone.optional(),
    invoice_id: text(32).optional(),
    goods_detail: z
      .array(
        z.strictObject({
          merchant_goods_id: text(32),
          wechatpay_goods_id: text(32).optional(),
          goods_name: text(256).optional(),
          quantity: z.int().min(1),
          unit_price: fenOrNone,
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

/** WeChat docs: APIv3, JSAPI order. */
export const jsapiBody = z.strictObject({
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
export type JsapiBody = z.infer<typeof jsapiBody>;

/** WeChat docs: APIv3, closing an order. */
export const closeBody = z.strictObject({ mchid });

/** WeChat docs: APIv3, "applying for the transaction bill". */
export const billQuery = z
  .strictObject({
    bill_date: z.string(),
    bill_type: z.enum(BILL_TYPES).optional(),
    tar_type: z.literal("GZIP").optional(),
  })
  .transform((it, context): BillWish => {
    const dashed = /^\d{4}-\d{2}-\d{2}$/.test(it.bill_date);
    const day = dashed ? billDay(it.bill_date.replaceAll("-", "")) : undefined;
    if (day === undefined) {
      context.addIssue({
        code: "custom",
        path: ["bill_date"],
        message: "不是yyyy-MM-dd格式的日期",
      });
      return z.NEVER;
    }
    return { day, type: it.bill_type ?? "ALL", gzip: it.tar_type !== undefined };
  });

/** The query of the address that an answer to the call above tells. */
export const fileQuery = z.strictObject({
  token: z.string().min(1).max(64),
  tartype: z.literal("gzip").optional(),
});

/** WeChat docs: APIv3, refund. */
export const refundBody = z
  .strictObject({
    transaction_id: transactionId.optional(),
    out_trade_no: outTradeNo.optional(),
    out_refund_no: outRefundNo,
    reason: text(80).optional(),
    notify_url: notifyUrl(256).optional(),
    funds_account: z.enum(["AVAILABLE", "UNSETTLED"]).optional(),
    amount: z.strictObject({
      refund: fen,
      total: fen,
      currency,
      from: z
        .array(z.strictObject({ account: z.enum(["AVAILABLE", "UNAVAILABLE"]), amount: fen }))
        .optional(),
    }),
    goods_detail: z
      .array(
        z.strictObject({
          merchant_goods_id: text(32),
          wechatpay_goods_id: text(32).optional(),
          goods_name: text(256).optional(),
          unit_price: fenOrNone,
          refund_amount: fenOrNone,
          refund_quantity: z.int().min(1),
        }),
      )
      .optional(),
  })
  .refine((it) => (it.transaction_id === undefined) !== (it.out_trade_no === undefined), {
    path: ["out_trade_no"],
    error: "transaction_id和out_trade_no二选一",
  });
export type RefundBody = z.infer<typeof refundBody>;
