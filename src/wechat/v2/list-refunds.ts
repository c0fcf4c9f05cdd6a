import { answerFor, unknown } from "../error-class.ts";
import { CALL_TIMEOUT_MS } from "../transport.ts";
import type { OrderKey, RefundListAnswer, RefundReport, Unknown } from "../types.ts";
import { classifyRefundQueryError } from "./error-codes.ts";
import { readRefundAt, refundIndices } from "./query-refund.ts";
import { send, type V2Client, type V2Response } from "./request.ts";
import { readCount } from "./values.ts";

/** Ten refunds per page (W-45), and at most 50 per order (W-40). */
const MAX_PAGES = 5;

/**
 * Lists all refunds of an order, whoever made them (W-45). The pages are separate calls: unless all
 * are readable and together have as many refunds as WeChat counts, the answer is unknown.
 */
export async function listRefunds(client: V2Client, order: OrderKey): Promise<RefundListAnswer> {
  const refunds = new Map<string, RefundReport>();
  let total = 0;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const reply = await requestPage(client, order, refunds.size);
    if (reply.kind === "error") {
      const errorClass = classifyRefundQueryError(reply.error.code);
      if (errorClass !== "absent") return answerFor(errorClass, reply.error);
      return refunds.size === 0 ? { kind: "listed", refunds: [] } : unknown("refunds disappeared");
    }
    if (reply.kind !== "done") return reply;
    const read = readPage(reply.fields, order);
    if (read.kind === "unknown") return read;
    const before = refunds.size;
    for (const refund of read.refunds) refunds.set(refund.refundNo, refund);
    total = Math.max(total, read.total);
    if (refunds.size >= total) return { kind: "listed", refunds: [...refunds.values()] };
    if (refunds.size === before) return unknown("a page without further refunds");
  }
  return unknown(`more than ${MAX_PAGES} pages of refunds`);
}

async function requestPage(client: V2Client, order: OrderKey, offset: number): Promise<V2Response> {
  return await send(client, order, {
    path: "/pay/refundquery",
    fields: { out_trade_no: order.orderNumber, offset: offset === 0 ? "" : String(offset) },
    timeoutMs: CALL_TIMEOUT_MS,
  });
}

type Page = { readonly kind: "page"; readonly refunds: RefundReport[]; readonly total: number };

/** A page's refunds, and the number of all refunds, which an answer names if there are more pages. */
function readPage(fields: ReadonlyMap<string, string>, order: OrderKey): Page | Unknown {
  if (fields.get("out_trade_no") !== order.orderNumber) return unknown("answer for another order");
  const refunds: RefundReport[] = [];
  for (const index of refundIndices(fields)) {
    const refund = readRefundAt(fields, index);
    if (typeof refund === "string") return unknown(refund);
    refunds.push(refund);
  }
  const count = fields.get("total_refund_count") ?? "";
  const total = count === "" ? refunds.length : readCount(count);
  if (total === null) return unknown("answer without a readable total_refund_count");
  return refunds.length === 0
    ? unknown("answer without refunds")
    : { kind: "page", refunds, total };
}
