import { z } from "zod";

/**
 * The answers of the app-facing contract, strictly: an unknown, missing or mistyped field is an
 * error.
 */

const orderNumber = z.string().regex(/^[0-9a-f]{32}$/);

export const createdOrder = z.strictObject({
  orderNumber,
  orderId: z.int(),
  apiParams: z.string(),
  editAddress: z.string().nullable(),
});

export const requestedRefund = z.strictObject({ refund_id: z.string(), refund_no: orderNumber });

export const orderView = z.strictObject({
  id: z.int(),
  pay_order_number: orderNumber,
  app_id: z.int(),
  platform: z.literal("1"),
  sdk_type: z.literal("JSAPI"),
  desc: z.string(),
  total_free: z.int(),
  tag: z.string(),
  user_id: z.int(),
  pay_state: z.enum(["0", "1", "2"]),
  ref_state: z.enum(["0", "1", "2", "3", "4"]),
  pay_notify_state: z.enum(["0", "1", "2"]),
  ref_notify_state: z.enum(["0", "1", "2"]),
  transaction_id: z.string().nullable(),
  pay_notify_number: z.int(),
  ref_notify_number: z.int(),
  refund_id: z.string().nullable(),
  refund_no: z.string().nullable(),
  create_time: z.int(),
  update_time: z.int(),
  attach: z.string().nullable(),
  app_order_no: z.string().nullable(),
  refund_free: z.int(),
  pay_time: z.int().nullable(),
});

/** WeChat Pay's protocols. A merchant uses one; its apps don't see which. */
export type Protocol = "v2" | "v3";

/** The parameters that the page passes to WeChat's JS bridge. */
export const bridgeParams = z.strictObject({
  appId: z.string(),
  timeStamp: z.string().regex(/^\d{10}$/),
  nonceStr: z.string(),
  package: z.string().startsWith("prepay_id="),
  signType: z.enum(["MD5", "HMAC-SHA256", "RSA"]),
  paySign: z.string(),
});

export type CreatedOrder = z.infer<typeof createdOrder>;
export type RequestedRefund = z.infer<typeof requestedRefund>;
export type OrderView = z.infer<typeof orderView>;
export type BridgeParams = z.infer<typeof bridgeParams>;

const ERRMSG_BEGINNINGS = {
  501: "提交上来的参数错误",
  502: "请求方法错误",
  503: "服务器端运行错误",
} as const;

const failure = z
  .strictObject({
    code: z.union([z.literal(501), z.literal(502), z.literal(503)]),
    errmsg: z.string(),
    data: z.null(),
  })
  .refine(({ code, errmsg }) => errmsg.startsWith(ERRMSG_BEGINNINGS[code]), {
    error: "errmsg must begin with its code's text",
  });

/** The envelope of an answer: data on success, a message on failure, never both. */
export type Envelope<Data> =
  | { readonly code: 0; readonly errmsg: null; readonly data: Data }
  | z.infer<typeof failure>;

/** Parses an envelope. Throws unless it is exactly as the contract says. */
export function readEnvelope<Data>(body: unknown, data: z.ZodType<Data>): Envelope<Data> {
  const success = z.strictObject({ code: z.literal(0), errmsg: z.null(), data });
  const isSuccess = z.object({ code: z.literal(0) }).safeParse(body).success;
  return isSuccess ? success.parse(body) : failure.parse(body);
}
