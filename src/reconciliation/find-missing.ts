import {
  paymentsIn,
  refundsIn,
  type OurTrade,
  type TradeCursor,
  type Span,
} from "../db/day-trades.ts";
import { updateReconciliation } from "../db/reconciliations.ts";
import { log } from "../observability/log.ts";
import { MAX_LISTED_DIFFERENCES, openIncident, openIncidents } from "./incidents.ts";
import { ENDED, FIRST, type Run, type RunContext, type Step } from "./run.ts";
import type { Matched } from "./staging.ts";

/** Trades of ours that are read by one query. */
const TRADES_PER_PAGE = 500;
/** A page is one query, and a few for what is missing in it. */
const PAGES_PER_STEP = 100;
/**
 * For a day that still lasts: what was done this long before the bill was asked for must be in it, for
 * such a bill is made when it is asked for. WeChat's times are whole seconds, and clocks differ.
 */
export const BILL_LAG_MS = 5_000;
/**
 * A refund's day is that of WeChat's clock when it was applied for; ours is when it was written
 * down, just before. One made so near to midnight may be in the other day's bill.
 */
export const REFUND_EDGE_MS = 10 * 60_000;

/** Looks for payments of ours that the bill hasn't. They have WeChat's own time, as the bill has. */
export async function findMissingPayments(context: RunContext, run: Run): Promise<Step> {
  const { db, merchantId, day } = context;
  const span = { fromAt: day.startAt, untilAt: Math.min(day.endAt, run.openedAt - BILL_LAG_MS) };
  const read = async (place: TradeCursor) =>
    await paymentsIn(db, merchantId, span, place, TRADES_PER_PAGE);
  const next = await scanTrades(context, run, "order", read);
  return {
    kind: "goes on",
    run: next.over ? { ...next.run, phase: "refunds", place: FIRST } : next.run,
  };
}

/** Looks for refunds of ours that the bill hasn't; then the day is done. */
export async function findMissingRefunds(context: RunContext, run: Run): Promise<Step> {
  const { db, merchantId } = context;
  const span = refundSpan(context, run);
  const read = async (place: TradeCursor) =>
    await refundsIn(db, merchantId, span, place, TRADES_PER_PAGE);
  const next = await scanTrades(context, run, "refund", read);
  return next.over ? await finish(context, next.run) : { kind: "goes on", run: next.run };
}

function refundSpan({ day }: RunContext, { openedAt }: Run): Span {
  return {
    fromAt: day.startAt + REFUND_EDGE_MS,
    untilAt: Math.min(day.endAt - REFUND_EDGE_MS, openedAt - BILL_LAG_MS),
  };
}

async function scanTrades(
  context: RunContext,
  from: Run,
  kind: Matched,
  read: (place: TradeCursor) => Promise<OurTrade[]>,
): Promise<{ readonly run: Run; readonly over: boolean }> {
  let run = from;
  for (let page = 0; page < PAGES_PER_STEP; page += 1) {
    const trades = await read(run.place);
    const last = trades.at(-1);
    if (last === undefined) return { run, over: true };
    const missing = context.staging
      .missing(kind, trades)
      .filter((trade) => !isOfAnotherDay(context, run, trade));
    run = await addMissing(context, run, kind, missing);
    run = { ...run, place: { at: last.at, id: last.id } };
    context.save(run);
  }
  return { run, over: false };
}

/**
 * A refund that WeChat refused at first, for lack of balance say, and accepted on another day is in
 * that day's bill.
 */
function isOfAnotherDay(context: RunContext, run: Run, { acceptedAt }: OurTrade): boolean {
  const { fromAt, untilAt } = refundSpan(context, run);
  return acceptedAt !== null && (acceptedAt < fromAt || acceptedAt >= untilAt);
}

async function addMissing(
  context: RunContext,
  run: Run,
  kind: Matched,
  missing: readonly OurTrade[],
): Promise<Run> {
  const differences = missing.map(
    ({ orderNumber, refundNo, fen, at }) =>
      ({
        kind: "bill_line_missing",
        trade: refundNo === "" ? orderNumber : refundNo,
        orderNumber,
        facts: { ourFen: fen, at, ...(refundNo === "" ? {} : { refundNo }) },
      }) as const,
  );
  await openIncidents(context, differences, run.totals.discrepancies);
  const fen = missing.reduce((sum, trade) => sum + trade.fen, 0);
  const { totals } = run;
  const discrepancies = totals.discrepancies + missing.length;
  const ours =
    kind === "order"
      ? { ourPayments: totals.ourPayments + missing.length, ourPaidFen: totals.ourPaidFen + fen }
      : {
          ourRefunds: totals.ourRefunds + missing.length,
          ourRefundedFen: totals.ourRefundedFen + fen,
        };
  return { ...run, totals: { ...totals, ...ours, discrepancies } };
}

async function finish(context: RunContext, run: Run): Promise<Step> {
  const { db, merchantId, day, meter } = context;
  const { totals } = run;
  if (totals.discrepancies > MAX_LISTED_DIFFERENCES) {
    const facts = { differences: totals.discrepancies, listed: MAX_LISTED_DIFFERENCES };
    await openIncident(context, {
      kind: "bill_too_many_differences",
      trade: "",
      orderNumber: null,
      facts,
    });
  }
  const nowAt = Date.now();
  const changes = { ...totals, state: "done", reason: null, finishedAt: nowAt } as const;
  await updateReconciliation(db, run, changes, nowAt);
  log("info", "reconciled", {
    requestId: meter.requestId,
    merchant: merchantId,
    day: day.day,
    ...totals,
  });
  return ENDED;
}
