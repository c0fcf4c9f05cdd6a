import { mapInBatches } from "../lib/batches.ts";
import { allWechatAppIds } from "../db/day-trades.ts";
import { isForeign } from "../domain/bill/foreign.ts";
import { orderObject } from "../orders/stub.ts";
import type { Totals } from "../db/reconciliations.ts";
import { differenceOf } from "./difference.ts";
import {
  isQueryable,
  isRecorded,
  compareLine,
  findRecords,
  refundNoOf,
  type RecordedTrades,
} from "./look-up.ts";
import { listedOf, MAX_LISTED_DIFFERENCES, openIncidents } from "./incidents.ts";
import { START, type Run, type RunContext, type Step, type UnrecordedLines } from "./run.ts";
import type { Staging, StagedLine } from "./staging.ts";

/** Lines looked up by one query. */
const LINES_PER_BATCH = 500;
/** With three or four queries per batch, well below D1's 1000 per invocation. */
const BATCHES_PER_STEP = 100;
/** Orders queried at WeChat in one step, through their objects; each may take some seconds. */
export const MAX_QUERIES_PER_STEP = 100;
const CONCURRENT_QUERIES = 5;

/**
 * Compares the bill's lines with D1, up to the limits of one step. A trade that D1 has in another
 * state is recovered through its order's object, which queries WeChat and records the signed answer.
 * The bill itself isn't signed, so nothing is recorded from it.
 */
export async function compareLines(context: RunContext, from: Run): Promise<Step> {
  let run = from;
  let queriesLeft = MAX_QUERIES_PER_STEP;
  const ourAppIds = await allWechatAppIds(context.db);
  for (let batch = 0; batch < BATCHES_PER_STEP && queriesLeft > 0; batch += 1) {
    const lines = context.staging.linesAfter(run.cursor.id, LINES_PER_BATCH);
    if (lines.length === 0) {
      return { kind: "continue", run: { ...run, phase: "payments", cursor: START } };
    }
    const compared = await compareBatch(context, run, lines, queriesLeft, ourAppIds);
    run = compared.run;
    queriesLeft -= compared.queries;
  }
  return { kind: "continue", run };
}

async function compareBatch(
  context: RunContext,
  run: Run,
  batch: readonly StagedLine[],
  maxQueries: number,
  ourAppIds: ReadonlySet<string>,
): Promise<{ readonly run: Run; readonly queries: number }> {
  const before = await findRecords(context, batch);
  const queryable = batch.filter((line) => isQueryable(line, before));
  // Lines from the first one beyond this step's queries are left for the next step.
  const end = queryable[maxQueries]?.number ?? Infinity;
  const lines = batch.filter(({ number }) => number < end);
  const queried = queryable.slice(0, maxQueries);
  await mapInBatches(queried, CONCURRENT_QUERIES, async (line) => await queryWechat(context, line));
  const after = await findRecords(context, queried);
  const ours = {
    orders: new Map([...before.orders, ...after.orders]),
    refunds: new Map([...before.refunds, ...after.refunds]),
  };
  const recorded = lines.filter((line) => isRecorded(line, ours));
  const differences = recorded
    .filter((line) => compareLine(line, ours) !== "agrees")
    .map((line) => differenceOf(line, ours));
  await openIncidents(context, differences, listedOf(run));
  const others = lines.filter((line) => !isRecorded(line, ours));
  const foreign = others.filter(({ line }) => isForeign(line, ourAppIds));
  const unrecorded = others.filter(({ line }) => !isForeign(line, ourAppIds));
  const agreeing = queried.filter((line) => compareLine(line, ours) === "agrees");
  const totals = {
    ...addForeign(run.totals, foreign),
    recovered: run.totals.recovered + agreeing.length,
    discrepancies: run.totals.discrepancies + differences.length + unrecorded.length,
  };
  // No `await` from here on: matched trades and progress are stored in one transaction.
  const cursor = { at: 0, id: lines.at(-1)?.number ?? run.cursor.id };
  const next: Run = {
    ...run,
    cursor,
    totals: addRecorded(context.staging, totals, lines, ours),
    unrecorded: addUnrecorded(run.unrecorded, unrecorded),
  };
  context.save(next);
  return { run: next, queries: queried.length };
}

/** Ignores the outcome: the caller reads D1 again. Doesn't throw for WeChat's or the object's answer. */
async function queryWechat(
  { env, meter: { requestId } }: RunContext,
  { line }: StagedLine,
): Promise<void> {
  const order = orderObject(env, line.orderNumber);
  if (line.kind === "payment") await order.sync(requestId, "bill");
  else await order.syncRefund(refundNoOf(line), requestId);
}

/** Lines of other systems are only counted and summed; an unreadable one has no sum. */
function addForeign(before: Totals, foreign: readonly StagedLine[]): Totals {
  const totals = { ...before, foreignLines: before.foreignLines + foreign.length };
  for (const { line } of foreign) {
    if (line.kind === "payment") totals.foreignFen += line.totalFen;
    if (line.kind === "refund") totals.foreignRefundFen += line.refundFen;
  }
  return totals;
}

function addUnrecorded(
  { count, first }: UnrecordedLines,
  lines: readonly StagedLine[],
): UnrecordedLines {
  const numbers = [...first, ...lines.map(({ number }) => number)];
  return { count: count + lines.length, first: numbers.slice(0, MAX_LISTED_DIFFERENCES) };
}

/** Marks the trades of ours that are in the bill, and adds each to our totals, once. */
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
