import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startStack, type Stack } from "../testkit/stack/stack.ts";
import { AdminClient } from "../testkit/admin-client.ts";
import { Progress } from "../testkit/progress.ts";
import { SandboxClient } from "../testkit/sandbox-client.ts";
import type { Shop } from "../testkit/shop.ts";
import { Random } from "./crash/random.ts";
import { differences, type Accounts } from "./crash/compare.ts";
import { runCustomer, tryRefunds, type Purchase } from "./crash/customer.ts";
import { killRepeatedly } from "./crash/kill-repeatedly.ts";
import { readLedger } from "./crash/wechat-ledger.ts";
import { readRecord } from "./crash/gateway-record.ts";
import { openUnreliableShop } from "./crash/shop.ts";
import { parseCount } from "./support/count.ts";

/** Of each shop. */
const CUSTOMERS = 3;
/** Between comparisons, once the load has ended. */
const COMPARE_INTERVAL_MS = 3_000;
/** A second partial refund is held for a minute; an app that was cut off is called within minutes. */
const AGREEMENT_TIMEOUT_MS = 15 * 60_000;
const MAX_SHOWN = 40;

/**
 * `npm run bench:crash -- --kills 100 --seed 1`: runs both real Workers under load and kills the
 * gateway's runtime at random moments. At the end WeChat, D1 and the apps must agree.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kills: { type: "string", default: "100" },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    },
  });
  const kills = parseCount("--kills", values.kills);
  console.log(`${kills} kills, seed ${values.seed}`);
  const random = new Random(Number(values.seed));
  const startedAt = performance.now();
  const stack = await startStack();
  const shops: Shop[] = [];
  try {
    const accounts = await runKills(stack, shops, kills, random);
    const faults = differences(accounts);
    printSummary(accounts, (performance.now() - startedAt) / 1000);
    for (const fault of faults.slice(0, MAX_SHOWN)) console.log(`DIFFERENT ${fault}`);
    console.log(faults.length === 0 ? "no difference" : `${faults.length} differences`);
    process.exitCode = faults.length === 0 ? 0 : 1;
  } finally {
    await Promise.all(shops.map(async ({ receiver }) => await receiver.stop()));
    await stack.stop();
  }
}

/** Runs the load and the kills, and waits until everything agrees or time has run out. */
async function runKills(
  stack: Stack,
  shops: Shop[],
  kills: number,
  random: Random,
): Promise<Accounts> {
  const sandbox = new SandboxClient(stack.sandboxUrl);
  // WeChat's delays are shortened, except for the minute between refunds; refunds succeed by themselves.
  await sandbox.change({
    notifyScale: 0.02,
    refundOutcome: "success",
    refundOutcomeAfterMs: 1_000,
  });
  for (const protocol of ["v2", "v3"] as const) {
    shops.push(await openUnreliableShop(stack, protocol, random.branch()));
  }
  const closing = new AbortController();
  const purchases: Purchase[] = [];
  const customers = shops.flatMap((shop) =>
    Array.from({ length: CUSTOMERS }, async (_, index) => {
      const name = `${shop.merchant.protocol}-${index}`;
      await runCustomer(closing.signal, shop, name, random.branch(), purchases);
    }),
  );
  // A customer fails only by a fault of the bench or of the contract, which ends the run.
  const load = Promise.all(customers);
  const progress = new Progress("crash", { unit: "kills", total: kills });
  await Promise.race([
    load,
    killRepeatedly(stack, kills, random.branch(), () => {
      progress.add();
      progress.note(`${purchases.length} orders`);
    }),
  ]);
  progress.end();
  closing.abort();
  await load;
  return await waitForAgreement(stack, shops, purchases, kills);
}

/** Repeats open refund requests, and compares until all agree or time has run out. */
async function waitForAgreement(
  stack: Stack,
  shops: readonly Shop[],
  purchases: readonly Purchase[],
  kills: number,
): Promise<Accounts> {
  const admin = new AdminClient(stack.gatewayUrl, stack.adminToken);
  const endAt = Date.now() + AGREEMENT_TIMEOUT_MS;
  const progress = new Progress("agreement", { unit: "comparisons" });
  for (;;) {
    let open = 0;
    for (const purchase of purchases) {
      if (purchase.paid && !(await tryRefunds(purchase))) open += 1;
    }
    const accounts = {
      ledger: await readLedger(stack.sandboxUrl),
      record: await readRecord(admin),
      purchases,
      callbacks: shops.flatMap(({ receiver }) => receiver.callbacks),
      kills,
    };
    const faults = differences(accounts).length;
    progress.add();
    progress.note(`${open} refunds open, ${faults} differences`);
    if ((open === 0 && faults === 0) || Date.now() > endAt) {
      progress.end();
      return accounts;
    }
    await sleep(COMPARE_INTERVAL_MS);
  }
}

function printSummary(
  { ledger, record, purchases, callbacks, kills }: Accounts,
  seconds: number,
): void {
  const counted = record.reduce(
    (sum, { payNotifyNumber, refunds }) =>
      sum + payNotifyNumber + refunds.reduce((more, { notifyNumber }) => more + notifyNumber, 0),
    0,
  );
  const attempts = ledger.notifications.flatMap((notification) => notification.attempts).length;
  const rows: readonly (readonly [string, number | string])[] = [
    ["kills", kills],
    ["orders requested by apps", purchases.length],
    ["orders in D1", record.length],
    ["orders at WeChat", ledger.orders.length],
    ["paid", ledger.orders.filter(({ paidAt }) => paidAt !== null).length],
    ["refunds at WeChat", ledger.refunds.length],
    [
      "refunds refused",
      record.flatMap(({ refunds }) => refunds).filter(({ state }) => state === "refused").length,
    ],
    [
      "refunds requested, never accepted",
      purchases.flatMap(({ refunds, paid }) => (paid ? refunds : [])).filter(({ done }) => !done)
        .length,
    ],
    ["notifications of WeChat", ledger.notifications.length],
    ["attempts to deliver them", attempts],
    ["calls received by apps", callbacks.length],
    ["calls counted, cut off by a kill", counted - callbacks.length],
    ["seconds", Math.round(seconds)],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(36)} ${value}`);
}

await main();
