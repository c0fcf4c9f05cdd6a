import { orderObject } from "../orders/stub.ts";
import type { Totals } from "../db/reconciliations.ts";
import { differenceOf } from "./difference.ts";
import {
  isQueryable,
  compareLine,
  findRecords,
  refundNoOf,
  type RecordedTrades,
} from "./look-up.ts";
import { openIncidents } from "./incidents.ts";
import { FIRST, type Run, type RunContext, type Step } from "./run.ts";
import type { Staging, StagedLine } from "./staging.ts";

/** Lines that are looked up by one query. */
const LINES_PER_BATCH = 500;
/** At three or four queries a batch, well within the 1000 that D1 allows an invocation. */
const BATCHES_PER_STEP = 100;
/** Orders whose objects are asked in one step. Each asks WeChat, which may take some seconds. */
export const MAX_QUERIES_PER_STEP = 100;
const CONCURRENT_QUERIES = 5;

/**
 * Compares the bill's lines with D1, as many as one step may. What we have in another state is
 * recovered through its order's object: that asks WeChat, whose answer is signed, and books through
 * the one function that books. The bill itself, which isn't signed, books nothing.
 */
export async function compareLines(context: RunContext, from: Run): Promise<Step> {
  let run = from;
  let asks = MAX_QUERIES_PER_STEP;
  for (let batch = 0; batch < BATCHES_PER_STEP && asks > 0; batch += 1) {
    const lines = context.staging.linesAfter(run.place.id, LINES_PER_BATCH);
    if (lines.length === 0) {
      return { kind: "goes on", run: { ...run, phase: "payments", place: FIRST } };
    }
    const compared = await compareBatch(context, run, lines, asks);
    run = compared.run;
    asks -= compared.asked;
  }
  return { kind: "goes on", run };
}

async function compareBatch(
  context: RunContext,
  run: Run,
  batch: readonly StagedLine[],
  mostAsks: number,
): Promise<{ readonly run: Run; readonly asked: number }> {
  const before = await findRecords(context, batch);
  const askable = batch.filter((line) => isQueryable(line, before));
  // What is beyond the asks of this step is left to the next one.
  const firstLeft = askable[mostAsks]?.number ?? Infinity;
  const lines = batch.filter(({ number }) => number < firstLeft);
  const asked = askable.slice(0, mostAsks);
  for (let first = 0; first < asked.length; first += CONCURRENT_QUERIES) {
    await Promise.all(
      asked
        .slice(first, first + CONCURRENT_QUERIES)
        .map(async (line) => await queryWechat(context, line)),
    );
  }
  const after = await findRecords(context, asked);
  const ours = {
    orders: new Map([...before.orders, ...after.orders]),
    refunds: new Map([...before.refunds, ...after.refunds]),
  };
  const differing = lines.filter((line) => compareLine(line, ours) !== "agrees");
  const differences = differing.map((line) => differenceOf(line, ours));
  await openIncidents(context, differences, run.totals.discrepancies);
  const agreeing = asked.filter((line) => compareLine(line, ours) === "agrees");
  const totals = {
    ...run.totals,
    recovered: run.totals.recovered + agreeing.length,
    discrepancies: run.totals.discrepancies + differences.length,
  };
  // No `await` from here on: what is matched and how far the run has come are stored together.
  const place = { at: 0, id: lines.at(-1)?.number ?? run.place.id };
  const next = { ...run, place, totals: addRecorded(context.staging, totals, lines, ours) };
  context.save(next);
  return { run: next, asked: asked.length };
}

/** Never throws for what WeChat or the order's object says: D1 is read again to see what came of it. */
async function queryWechat(
  { env, meter: { requestId } }: RunContext,
  { line }: StagedLine,
): Promise<void> {
  const order = orderObject(env, line.orderNumber);
  if (line.kind === "payment") await order.sync(requestId);
  else await order.handleRefundNotification(refundNoOf(line), requestId);
}

/** Notes what the bill has of ours, and adds each to our side of the totals, once. */
function addRecorded(
  staging: Staging,
  before: Totals,
  lines: readonly StagedLine[],
  { orders, refunds }: RecordedTrades,
): Totals {
  const paid = lines.flatMap(({ line }) =>
    refundNoOf(line) === "" ? (orders.get(line.orderNumber) ?? []) : [],
  );
  const refunded = lines.flatMap(({ line }) => refunds.get(refundNoOf(line)) ?? []);
  const newlyPaid = staging.match(
    "order",
    paid.map(({ id }) => id),
  );
  const newlyRefunded = staging.match(
    "refund",
    refunded.map(({ id }) => id),
  );
  const totals = { ...before };
  for (const { id, payState, totalFen } of paid) {
    if (payState !== "paid" || !newlyPaid.delete(id)) continue;
    totals.ourPayments += 1;
    totals.ourPaidFen += totalFen;
  }
  for (const { id, state, refundFen } of refunded) {
    if (state === "requested" || state === "refused" || !newlyRefunded.delete(id)) continue;
    totals.ourRefunds += 1;
    totals.ourRefundedFen += refundFen;
  }
  return totals;
}
