import type { BillDay } from "../bill/day.ts";
import type { BillType } from "../bill/columns.ts";
import { makeBill, type BillRefusal } from "../bill/make.ts";
import { billHash, findBill } from "../ledger/bills.ts";
import type { Books } from "../ledger/books.ts";
import type { Merchant } from "../ledger/merchants.ts";
import { done, problem, type Answer, type Problem } from "./answers.ts";

/** Where the file is fetched, which the answer alone tells. */
export const BILL_FILE_PATH = "/v3/billdownload/file";

// WeChat docs: APIv3, "applying for the transaction bill". Older ones say 30 seconds.
const URL_LIFE_MS = 5 * 60 * 1000;

const REFUSALS: Readonly<Record<BillRefusal, Problem>> = {
  "no-bill": problem("NO_STATEMENT_EXIST", "账单文件不存在"),
  "being-made": problem("STATEMENT_CREATING", "账单生成中"),
  "not-yet": problem("INVALID_REQUEST", "bill_date不能是当日或将来的日期"),
  "too-old": problem("INVALID_REQUEST", "只能申请三个月以内的账单"),
};

/** What a call says of the bill that it wants. */
export interface BillWish {
  day: BillDay;
  type: BillType;
  gzip: boolean;
}

/**
 * GET /v3/bill/tradebill: where the file is, and the SHA-1 of its text, which is hashed before it is
 * compressed. `origin` is the sandbox's address as the caller knows it.
 */
export function tradeBill(
  books: Books,
  merchant: Merchant,
  wish: BillWish,
  origin: string,
): Answer {
  const ruling = makeBill(books, merchant, { ...wish, protocol: "v3" });
  if (!ruling.ok) return REFUSALS[ruling.refusal];
  const { id, token, gzip, wrongHash } = ruling.bill;
  const hash = billHash(books.sql, id);
  return done({
    hash_type: "SHA1",
    hash_value: wrongHash ? hash.slice(20) + hash.slice(0, 20) : hash,
    download_url: `${origin}${BILL_FILE_PATH}?token=${token}${gzip ? "&tartype=gzip" : ""}`,
  });
}

/** GET of a bill's file: for 5 minutes, for the merchant whose bill it is. */
export function billFile({ sql, now }: Books, { mchId }: Merchant, token: string): Answer {
  const bill = findBill(sql, token);
  if (bill === undefined || now - bill.madeAt > URL_LIFE_MS) {
    return problem("INVALID_REQUEST", "下载地址无效或已过期，请重新申请");
  }
  return bill.mchId === mchId
    ? { kind: "bill", bill }
    : problem("NO_AUTH", "不能下载其他商户的账单");
}
