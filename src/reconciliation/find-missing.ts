import {
  paymentsIn,
  refundsIn,
  type OurTrade,
  type TradeCursor,
  type Span,
} from "../db/day-trades.ts";
import { updateReconciliation } from "../db/reconciliations.ts";
import { log } from "../observability/log.ts";
import { differenceOf } from "./difference.ts";
import { listedOf, MAX_LISTED_DIFFERENCES, openIncident, openIncidents } from "./incidents.ts";
import { NOTHING_RECORDED } from "./look-up.ts";
import { ENDED, START, type Run, type RunContext, type Step } from "./run.ts";
import type { TradeKind } from "./staging.ts";

/** Trades of ours read by one query. */
const TRADES_PER_PAGE = 500;
/** A page costs one query, and a few more for missing trades. */
const PAGES_PER_STEP = 100;
/**
 * For a day that hasn't ended: its bill is created on request, and must contain the trades made at
 * least this long before the request. WeChat's times are whole seconds, and clocks differ.
 */
export const BILL_LAG_MS = 5_000;
/**
 * WeChat dates a refund by its own clock when it receives the request; our time is when the row was
 * written, just before. Within this distance of midnight the two days may differ.
 */
export const REFUND_EDGE_MS = 10 * 60_000;

/** Finds payments of ours that the bill lacks. Both sides use WeChat's time. */
export async function findMissingPayments(context: RunContext, run: Run): Promise<Step> {
  const { db, merchantId, day } = context;
  const span = { fromAt: day.startAt, untilAt: Math.min(day.endAt, run.openedAt - BILL_LAG_MS) };
  const read = async (cursor: TradeCursor) =>
    await paymentsIn(db, merchantId, span, cursor, TRADES_PER_PAGE);
  const next = await scanTrades(context, run, "order", read);
  return {
    kind: "continue",
    run: next.finished ? { ...next.run, phase: "refunds", cursor: START } : next.run,
  };
}

/** Finds refunds of ours that the bill lacks; then the day is done. */
export async function findMissingRefunds(context: RunContext, run: Run): Promise<Step> {
  const { db, merchantId } = context;
  const span = refundSpan(context, run);
  const read = async (cursor: TradeCursor) =>
    await refundsIn(db, merchantId, span, cursor, TRADES_PER_PAGE);
  const next = await scanTrades(context, run, "refund", read);
  return next.finished ? await finish(context, next.run) : { kind: "continue", run: next.run };
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
  kind: TradeKind,
  read: (cursor: TradeCursor) => Promise<OurTrade[]>,
): Promise<{ readonly run: Run; readonly finished: boolean }> {
  let run = from;
  for (let page = 0; page < PAGES_PER_STEP; page += 1) {
    const trades = await read(run.cursor);
    const last = trades.at(-1);
    if (last === undefined) return { run, finished: true };
    const missing = context.staging
      .missing(kind, trades)
      .filter((trade) => !isOfAnotherDay(context, run, trade));
    run = await addMissing(context, run, kind, missing);
    run = { ...run, cursor: { at: last.at, id: last.id } };
    context.save(run);
  }
  return { run, finished: false };
}

/**
 * Whether WeChat accepted the refund on another day, having refused it before (for lack of balance,
 * for example): it is in that day's bill.
 */
function isOfAnotherDay(context: RunContext, run: Run, { acceptedAt }: OurTrade): boolean {
  const { fromAt, untilAt } = refundSpan(context, run);
  return acceptedAt !== null && (acceptedAt < fromAt || acceptedAt >= untilAt);
}

async function addMissing(
  context: RunContext,
  run: Run,
  kind: TradeKind,
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
  await openIncidents(context, differences, listedOf(run));
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
  const { db, merchantId, day, meter, staging } = context;
  const { totals, unrecorded } = run;
  const differences = staging
    .linesAt(unrecorded.first)
    .map((line) => differenceOf(line, NOTHING_RECORDED));
  await openIncidents(context, differences, listedOf(run));
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
