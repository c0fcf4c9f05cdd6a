import type { Reporter, TestModule } from "vitest/node";
import { machineLine } from "../support/machine.ts";
import { tableOf } from "../support/table.ts";
import type { CostLine } from "./counts.ts";
import { ASSUMED, priceOfMillion } from "./prices.ts";

/** The budget of an order that is created, paid and delivered. */
const MAX_D1_ROWS_WRITTEN = 8;
const MAX_USD_PER_MILLION = 21;
const BUDGETED = /^created, paid, delivered; |^with appOrderNo/;

/** Prints the tables; the run fails when the budget is exceeded. */
export class CostReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const costs = modules.flatMap((module) =>
      [...module.children.allTests("passed")].flatMap((test) => test.meta().costs ?? []),
    );
    print(`${machineLine()}\n`);
    print(countsTable(costs));
    print(`\nUS dollars per million:\n`);
    print(priceTable(costs));
    print(
      `\nAssumed: ${ASSUMED.cpuMsPerRequest} ms of CPU per request; an object waits ${ASSUMED.d1TripMs} ms for D1, ${ASSUMED.callMs} ms for WeChat or an app.`,
    );
    const faults = faultsIn(costs);
    for (const fault of faults) print(`✗ ${fault}`);
    if (faults.length > 0) process.exitCode = 1;
  }
}

function countsTable(costs: readonly CostLine[]): string {
  const heads = [
    "",
    "requests",
    "D1 trips",
    "D1 read",
    "D1 written",
    "object requests",
    "object read",
    "object written",
    "calls out",
    "data points",
  ];
  const rows = ordered(costs).map(({ name, counts }) =>
    [name].concat(
      [
        counts.requests,
        counts.d1Trips,
        counts.d1Read,
        counts.d1Written,
        counts.objectRequests,
        counts.objectRead,
        counts.objectWritten,
        counts.calls,
        counts.dataPoints,
      ].map(String),
    ),
  );
  return tableOf(heads, rows);
}

function priceTable(costs: readonly CostLine[]): string {
  const heads = ["", "Worker", "D1", "object requests", "duration", "rows", "analytics", "total"];
  const rows = ordered(costs).map(({ name, counts }) => {
    const price = priceOfMillion(counts);
    const items = [
      price.worker,
      price.d1,
      price.objectRequests,
      price.objectDuration,
      price.objectRows,
      price.analytics,
      price.total,
    ];
    return [name].concat(items.map((item) => item.toFixed(2)));
  });
  return tableOf(heads, rows);
}

/** Operations first, then orders. */
function ordered(costs: readonly CostLine[]): readonly CostLine[] {
  return [
    ...costs.filter(({ kind }) => kind === "operation"),
    ...costs.filter(({ kind }) => kind === "order"),
  ];
}

function faultsIn(costs: readonly CostLine[]): readonly string[] {
  const budgeted = costs.filter(({ kind, name }) => kind === "order" && BUDGETED.test(name));
  if (budgeted.length === 0) return ["nothing was measured"];
  const tooManyRows = budgeted
    .filter(({ counts }) => counts.d1Written > MAX_D1_ROWS_WRITTEN)
    .map(({ name }) => `${name}: more than ${MAX_D1_ROWS_WRITTEN} rows written in D1`);
  const tooExpensive = budgeted
    .filter(({ counts }) => priceOfMillion(counts).total > MAX_USD_PER_MILLION)
    .map(({ name }) => `${name}: more than $${MAX_USD_PER_MILLION} per million`);
  return [...tooManyRows, ...tooExpensive];
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
