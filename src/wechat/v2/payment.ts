import { parseCompactBeijingTime } from "../../domain/beijing-time.ts";
import { err, ok, type Result } from "../../lib/result.ts";
import { readWechatNumber } from "../values.ts";
import type { Payment, SignType } from "../types.ts";
import { isYuan, readFen } from "./values.ts";

/**
 * Reads the payment from a *verified* message: orderquery's answer and the payment notification use
 * the same fields.
 *
 * `total_fee` is the order's amount; `cash_fee` and `settlement_total_fee` are reduced by coupons
 * and ignored.
 *
 * @returns on failure, the name of the missing or malformed field.
 */
export function readPayment(
  fields: ReadonlyMap<string, string>,
  signType: SignType,
): Result<Payment, string> {
  const orderNumber = fields.get("out_trade_no") ?? "";
  if (orderNumber === "") return err("out_trade_no");
  const wechatAppId = fields.get("appid") ?? "";
  if (wechatAppId === "") return err("appid");
  const transactionId = readWechatNumber(fields.get("transaction_id"));
  if (transactionId === null) return err("transaction_id");
  const totalFen = readFen(fields.get("total_fee"));
  if (totalFen === null) return err("total_fee");
  if (!isYuan(fields.get("fee_type"))) return err("fee_type");
  const paidAt = parseCompactBeijingTime(fields.get("time_end") ?? "");
  const attach = fields.get("attach") || null;
  return ok({ orderNumber, wechatAppId, transactionId, totalFen, attach, paidAt, signType });
}
