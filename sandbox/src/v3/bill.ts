import { z } from "zod";
import { BILL_TYPES } from "../bill/columns.ts";
import { parseBillDay, type BillRefusal } from "../bill/day.ts";
import { generateBill, type BillRequest } from "../bill/generate.ts";
import { billHash, findBill } from "../ledger/bills.ts";
import type { Merchant } from "../ledger/merchants.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { apiError, success, type ApiError, type ApiResponse } from "./response.ts";

/** The path of a bill's file, which WeChat doesn't document: callers take it from the response. */
export const BILL_FILE_PATH = "/v3/billdownload/file";

/** A call for the address of a bill. */
export type TradeBillRequest = Omit<BillRequest, "protocol">;

// Five minutes; older pages say 30 seconds (W-93).
const URL_LIFETIME_MS = 5 * 60 * 1000;

const ERROR_CODES: Readonly<Record<BillRefusal, ApiError>> = {
  "no-bill": apiError("NO_STATEMENT_EXIST", "账单文件不存在"),
  generating: apiError("STATEMENT_CREATING", "账单生成中"),
  "not-yet": apiError("INVALID_REQUEST", "bill_date不能是当日或将来的日期"),
  "too-old": apiError("INVALID_REQUEST", "只能申请三个月以内的账单"),
};

/** Query of the bill (W-92). */
export const billQuery = z
  .strictObject({
    bill_date: z.string(),
    bill_type: z.enum(BILL_TYPES).optional(),
    tar_type: z.literal("GZIP").optional(),
  })
  .transform((it, context): TradeBillRequest => {
    const hyphenated = /^\d{4}-\d{2}-\d{2}$/.test(it.bill_date);
    const day = hyphenated ? parseBillDay(it.bill_date.replaceAll("-", "")) : null;
    if (day === null) {
      context.addIssue({
        code: "custom",
        path: ["bill_date"],
        message: "不是yyyy-MM-dd格式的日期",
      });
      return z.NEVER;
    }
    return { day, type: it.bill_type ?? "ALL", gzip: it.tar_type !== undefined };
  });

/** The query of the address of a bill's file. */
export const billFileQuery = z.strictObject({
  token: z.string().min(1).max(64),
  tartype: z.literal("gzip").optional(),
});

/**
 * GET /v3/bill/tradebill: the address of the file, and the SHA-1 of its uncompressed text. `origin` is
 * the sandbox's origin as the caller knows it.
 */
export function tradeBill(
  ledger: LedgerTransaction,
  merchant: Merchant,
  request: TradeBillRequest,
  origin: string,
): ApiResponse {
  const bill = generateBill(ledger, merchant, { ...request, protocol: "v3" });
  if (!bill.ok) return ERROR_CODES[bill.error];
  const { id, token, gzip, wrongHash } = bill.value;
  const hash = billHash(ledger.sql, id);
  return success({
    hash_type: "SHA1",
    hash_value: wrongHash ? hash.slice(20) + hash.slice(0, 20) : hash,
    download_url: `${origin}${BILL_FILE_PATH}?token=${token}${gzip ? "&tartype=gzip" : ""}`,
  });
}

/** GET of a bill's file: for 5 minutes, and for the merchant of the bill only. */
export function billFile(
  { sql, now }: LedgerTransaction,
  { mchId }: Merchant,
  token: string,
): ApiResponse {
  const bill = findBill(sql, token);
  if (bill === null || now - bill.createdAt > URL_LIFETIME_MS) {
    return apiError("INVALID_REQUEST", "下载地址无效或已过期，请重新申请");
  }
  return bill.mchId === mchId
    ? { kind: "bill", bill }
    : apiError("NO_AUTH", "不能下载其他商户的账单");
}
