import { EMPTY_TALLY, type Tally } from "../domain/bill/tally.ts";
import { anyWechatAppId } from "../db/day-trades.ts";
import {
  countAttempt,
  NO_TOTALS,
  updateReconciliation,
  type Totals,
} from "../db/reconciliations.ts";
import { wechatFor } from "../settings/wechat-client.ts";
import { log } from "../observability/log.ts";
import type { BillAnswer, Merchant } from "../wechat/types.ts";
import { ingest } from "./ingest.ts";
import { openIncident } from "./incidents.ts";
import { ENDED, NONE_UNRECORDED, START, type Run, type RunContext, type Step } from "./run.ts";

/** A bill that isn't available yet, or couldn't be fetched, is requested again after this time. */
const RETRY_INTERVAL_MS = 3600_000;
/** A bill that is still missing this long after it should exist becomes an incident. */
export const INCIDENT_AFTER_MS = 6 * 3600_000;

/**
 * Fetches the bill and stages its lines. A bill that is late, unavailable, truncated or corrupt is
 * waited for: the schedule starts the day again in an hour. A bill of an unknown format fails the
 * day, since waiting wouldn't help: the operator runs it again after an upgrade.
 */
export async function fetchBill(context: RunContext, run: Run): Promise<Step> {
  const { db, merchantId, day, settings } = context;
  const { startedAt, attempts, reason } = await countAttempt(db, run, Date.now());
  if (attempts > 1 && Date.now() >= Math.max(startedAt, day.readyAt) + INCIDENT_AFTER_MS) {
    // Reported before the attempt, since an attempt that crashes reports nothing.
    const facts = { attempts: attempts - 1, reason: reason ?? "an attempt didn't finish" };
    await openIncident(context, { kind: "bill_unreadable", trade: "", orderNumber: null, facts });
  }
  const merchant = await settings.merchant(merchantId);
  if (!merchant.ok) return await wait(context, `the merchant is ${merchant.error}`);
  const wechatAppId = await anyWechatAppId(db, merchantId);
  if (wechatAppId === null) return await wait(context, "the merchant has no app");
  const { protocol } = merchant.value;
  const wechat = wechatFor(context, merchant.value, protocol);
  const openedAt = Date.now();
  const answer = await wechat.openBill({ day: day.day, wechatAppId });
  const staged = await stage(context, merchant.value, answer);
  switch (staged.kind) {
    case "wait":
      return await wait(context, staged.reason);
    case "fail":
      return await fail(context, staged.reason);
    case "staged": {
      const totals = totalsOf(staged.tally);
      const next = { ...run, phase: "lines", cursor: START, openedAt, totals } as const;
      return { kind: "continue", run: { ...next, unrecorded: NONE_UNRECORDED } };
    }
  }
}

function totalsOf({ payments, paidFen, refunds, refundedFen }: Tally): Totals {
  return {
    ...NO_TOTALS,
    billPayments: payments,
    billPaidFen: paidFen,
    billRefunds: refunds,
    billRefundedFen: refundedFen,
  };
}

/** The outcome: the bill's lines are staged, or why they aren't. */
type Staged =
  | { readonly kind: "staged"; readonly tally: Tally }
  | { readonly kind: "wait"; readonly reason: string }
  | { readonly kind: "fail"; readonly reason: string };

async function stage(
  { staging, merchantId, meter }: RunContext,
  { mchId }: Merchant,
  answer: BillAnswer,
): Promise<Staged> {
  switch (answer.kind) {
    case "opened": {
      const ingested = await ingest(answer, mchId, staging);
      if (ingested.ok) return { kind: "staged", tally: ingested.value };
      const { kind, reason } = ingested.error;
      return kind === "broken"
        ? { kind: "wait", reason: `the bill arrived broken: ${reason}` }
        : { kind: "fail", reason: `the bill can't be read: ${reason}` };
    }
    case "empty":
      staging.reset();
      return { kind: "staged", tally: EMPTY_TALLY };
    case "creating":
      return { kind: "wait", reason: "WeChat is still creating the bill" };
    case "refused": {
      const { code, message } = answer;
      log("error", "bill_refused", {
        requestId: meter.requestId,
        merchant: merchantId,
        code,
        message,
      });
      return { kind: "wait", reason: `WeChat refused: ${code} ${message}` };
    }
    case "unknown":
      return { kind: "wait", reason: `no usable answer: ${answer.reason}` };
  }
}

async function wait({ db, merchantId, day, meter }: RunContext, reason: string): Promise<Step> {
  const nowAt = Date.now();
  log("warn", "bill_not_ready", {
    requestId: meter.requestId,
    merchant: merchantId,
    day: day.day,
    reason,
  });
  const changes = { state: "waiting", reason, retryAt: nowAt + RETRY_INTERVAL_MS } as const;
  await updateReconciliation(db, { merchantId, day: day.day }, changes, nowAt);
  return ENDED;
}

async function fail(context: RunContext, reason: string): Promise<Step> {
  const { db, merchantId, day } = context;
  const facts = { reason };
  await openIncident(context, { kind: "bill_unreadable", trade: "", orderNumber: null, facts });
  const nowAt = Date.now();
  const changes = { state: "failed", reason, finishedAt: nowAt } as const;
  await updateReconciliation(db, { merchantId, day: day.day }, changes, nowAt);
  return ENDED;
}
