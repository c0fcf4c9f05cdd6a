import { listMerchantAppIds, type MerchantAppId } from "../db/apps.ts";
import type { Database } from "../db/database.ts";
import type { OrderFilter } from "../db/order-filter.ts";
import { isKnownNumber } from "../db/order-list.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { wechatFor } from "../settings/wechat-client.ts";
import type { WorkContext } from "../settings/work-context.ts";
import type { TransactionAnswer } from "../wechat/types.ts";
import { validationFailed, type AdminError } from "./errors.ts";

/** WeChat's number of a payment (W-16): 28 digits or more. A refund's begins with 5. */
const TRANSACTION_ID = /^[14]\d{27,31}$/;

/** Merchants (in APIv2 each of their app ids) that a search asks WeChat about, at most. */
const MAX_ASKED = 20;
/** Calls to WeChat in parallel. */
const CONCURRENCY = 5;

/** What WeChat answered about a transaction that no order has. */
export interface WechatFinding {
  /** `unknown`: at least one merchant's WeChat gave no usable answer, and no other had it. */
  readonly outcome: "found" | "absent" | "unknown";
  readonly merchantId: number | null;
  /** WeChat's `out_trade_no`; another system's when the gateway has no such order. */
  readonly orderNumber: string | null;
}

/** The filter to search with, and what WeChat answered, if it was asked. */
export interface Search {
  readonly filter: OrderFilter;
  readonly wechat?: WechatFinding;
}

/**
 * Replaces a transaction id that no order has by the number of the order that WeChat names for it:
 * so an order is found of whose payment the gateway doesn't know yet. Changes nothing: a sync records
 * the payment. On failure: too many merchants to ask.
 */
export async function findTransaction(
  work: WorkContext,
  db: Database,
  filter: OrderFilter,
): Promise<Result<Search, AdminError>> {
  const { q: transactionId, ...others } = filter;
  if (transactionId === undefined || !TRANSACTION_ID.test(transactionId)) return ok({ filter });
  if (await isKnownNumber(db, transactionId)) return ok({ filter });
  const candidates = await listMerchantAppIds(db, filter, MAX_ASKED + 1);
  if (candidates.length > MAX_ASKED) {
    const message = `no order has this transaction, and WeChat is asked about at most ${MAX_ASKED} merchants and app ids: choose one merchant`;
    return err(validationFailed({ path: "merchantId", message }));
  }
  const wechat = await askWechat(work, candidates, transactionId);
  const { merchantId, orderNumber } = wechat;
  if (merchantId === null || orderNumber === null) return ok({ filter, wechat });
  // With both numbers given, the order must have both.
  if (others.number !== undefined && others.number !== orderNumber) return ok({ filter, wechat });
  return ok({ filter: { ...others, merchantId, number: orderNumber }, wechat });
}

async function askWechat(
  work: WorkContext,
  candidates: readonly MerchantAppId[],
  transactionId: string,
): Promise<WechatFinding> {
  let outcome: WechatFinding["outcome"] = "absent";
  for (let first = 0; first < candidates.length; first += CONCURRENCY) {
    const asked = candidates.slice(first, first + CONCURRENCY);
    const answers = await Promise.all(
      asked.map(async (candidate) => await ask(work, candidate, transactionId)),
    );
    for (const [index, answer] of answers.entries()) {
      switch (answer.kind) {
        case "found": {
          const { merchantId = null } = asked[index] ?? {};
          return { outcome: "found", merchantId, orderNumber: answer.orderNumber };
        }
        case "absent":
          break;
        case "refused":
        case "unknown":
          outcome = "unknown";
          break;
      }
    }
  }
  return { outcome, merchantId: null, orderNumber: null };
}

async function ask(
  work: WorkContext,
  { merchantId, wechatAppId }: MerchantAppId,
  transactionId: string,
): Promise<TransactionAnswer> {
  const merchant = await work.settings.merchant(merchantId);
  // Its secrets don't open under the master key: it can't be asked.
  if (!merchant.ok) return { kind: "unknown", reason: `the merchant is ${merchant.error}` };
  const wechat = wechatFor(work, merchant.value, merchant.value.protocol);
  return await wechat.queryTransaction(transactionId, wechatAppId);
}
