import type { Reporter, TestModule } from "vitest/node";
import { machineLine } from "../support/machine.ts";
import { tableOf } from "../support/table.ts";
import type { Costed } from "./counts.ts";
import { ASSUMED, priceOfMillion } from "./prices.ts";

/** What an order that is created, paid and delivered may cost at most. */
const MOST_D1_ROWS_WRITTEN = 8;
const MOST_USD_A_MILLION = 20;
const JUDGED = /^created, paid, delivered; |^with appOrderNo/;

/** Prints the tables, and fails the run when a goal is missed. */
export class CostReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const costed = modules.flatMap((module) =>
      [...module.children.allTests("passed")].flatMap((test) => test.meta().costed ?? []),
    );
    print(`${machineLine()}\n`);
    print(countsTable(costed));
    print(`\nUS dollars a million:\n`);
    print(priceTable(costed));
    print(
      `\nAssumed: ${ASSUMED.cpuMsPerRequest} ms of CPU a request; an object waits ${ASSUMED.d1TripMs} ms for D1, ${ASSUMED.callMs} ms for WeChat or an app.`,
    );
    const faults = faultsIn(costed);
    for (const fault of faults) print(`✗ ${fault}`);
    if (faults.length > 0) process.exitCode = 1;
  }
}

function countsTable(costed: readonly Costed[]): string {
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
  const rows = ordered(costed).map(({ name, counts }) =>
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

function priceTable(costed: readonly Costed[]): string {
  const heads = ["", "Worker", "D1", "object requests", "duration", "rows", "analytics", "total"];
  const rows = ordered(costed).map(({ name, counts }) => {
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

/** Operations first, then lives. */
function ordered(costed: readonly Costed[]): readonly Costed[] {
  return [
    ...costed.filter(({ kind }) => kind === "operation"),
    ...costed.filter(({ kind }) => kind === "life"),
  ];
}

function faultsIn(costed: readonly Costed[]): readonly string[] {
  const judged = costed.filter(({ kind, name }) => kind === "life" && JUDGED.test(name));
  if (judged.length === 0) return ["nothing was measured"];
  const tooManyRows = judged
    .filter(({ counts }) => counts.d1Written > MOST_D1_ROWS_WRITTEN)
    .map(({ name }) => `${name}: more than ${MOST_D1_ROWS_WRITTEN} rows written in D1`);
  const tooDear = judged
    .filter(({ counts }) => priceOfMillion(counts).total > MOST_USD_A_MILLION)
    .map(({ name }) => `${name}: more than $${MOST_USD_A_MILLION} a million`);
  return [...tooManyRows, ...tooDear];
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
