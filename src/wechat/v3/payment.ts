import * as z from "zod";
import { err, ok, type Result } from "../../lib/result.ts";
import type { Payment, V3Merchant } from "../types.ts";
import { fen, readJson, readTime, wechatNumber, yuan } from "./json.ts";

/** `amount.total` is the order's amount. `payer_total` is reduced by discounts and ignored. */
const transaction = z.object({
  mchid: z.string(),
  appid: z.string().min(1),
  out_trade_no: z.string().min(1),
  transaction_id: wechatNumber,
  success_time: z.string().optional(),
  amount: z.object({ total: fen, currency: yuan }),
  attach: z.string().nullish(),
});

/**
 * Reads the payment from a *verified* message: the query's answer and the notification use the same
 * fields.
 *
 * @returns on failure, the field that is missing, malformed or another merchant's.
 */
export function readPayment(
  body: Uint8Array,
  { mchId }: Pick<V3Merchant, "mchId">,
): Result<Payment, { readonly kind: "malformed" | "wrong-identity"; readonly detail: string }> {
  const read = readJson(body, transaction);
  if (!read.ok) return err({ kind: "malformed", detail: read.error });
  const paid = read.value;
  if (paid.mchid !== mchId) return err({ kind: "wrong-identity", detail: "mchid" });
  return ok({
    orderNumber: paid.out_trade_no,
    wechatAppId: paid.appid,
    transactionId: paid.transaction_id,
    totalFen: paid.amount.total,
    attach: paid.attach || null,
    paidAt: readTime(paid.success_time),
    signType: "RSA",
  });
}
