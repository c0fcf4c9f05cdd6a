import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startStack, type Stack } from "../testkit/stack/stack.ts";
import { AdminClient } from "../testkit/admin-client.ts";
import { SandboxClient } from "../testkit/sandbox-client.ts";
import { Chance } from "./crash/random.ts";
import { differences, type Accounts } from "./crash/compare.ts";
import { shopUntil, tryRefunds, type Purchase } from "./crash/customer.ts";
import { killOften } from "./crash/kills.ts";
import { readLedger } from "./crash/ledger.ts";
import { readRecord } from "./crash/record.ts";
import { openShop, type Shop } from "./crash/shop.ts";

/** Of each shop. */
const CUSTOMERS = 3;
/** Between looks at the accounts, once all is quiet. */
const LOOK_MS = 3_000;
/** A net: parts wait a minute, and an app that was cut off is called again within minutes. */
const SETTLE_MS = 15 * 60_000;
const MOST_SHOWN = 40;

/**
 * `npm run bench:crash -- --kills 100 --seed 1`: both Workers for real, under load, the gateway's
 * runtime killed at random moments. In the end WeChat, D1 and the apps must tell the same.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kills: { type: "string", default: "100" },
      seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    },
  });
  const kills = Number(values.kills);
  console.log(`${kills} kills, seed ${values.seed}`);
  const chance = new Chance(Number(values.seed));
  const startedAt = performance.now();
  const stack = await startStack();
  const shops: Shop[] = [];
  try {
    const accounts = await endure(stack, shops, kills, chance);
    const faults = differences(accounts);
    tell(accounts, (performance.now() - startedAt) / 1000);
    for (const fault of faults.slice(0, MOST_SHOWN)) console.log(`DIFFERENT ${fault}`);
    console.log(faults.length === 0 ? "no difference" : `${faults.length} differences`);
    process.exitCode = faults.length === 0 ? 0 : 1;
  } finally {
    await Promise.all(shops.map(async ({ receiver }) => await receiver.stop()));
    await stack.stop();
  }
}

/** The load, the kills, and the time afterwards until nothing moves any more. */
async function endure(
  stack: Stack,
  shops: Shop[],
  kills: number,
  chance: Chance,
): Promise<Accounts> {
  const sandbox = new SandboxClient(stack.sandboxUrl);
  // WeChat's waits are shortened, but for the minute between refunds; refunds succeed by themselves.
  await sandbox.change({
    notifyScale: 0.02,
    refundOutcome: "success",
    refundOutcomeAfterMs: 1_000,
  });
  for (const protocol of ["v2", "v3"] as const) {
    shops.push(await openShop(stack, sandbox, protocol, chance.branch()));
  }
  const closing = new AbortController();
  const purchases: Purchase[] = [];
  const customers = shops.flatMap((shop) =>
    Array.from({ length: CUSTOMERS }, async (_, index) => {
      const name = `${shop.protocol}-${index}`;
      await shopUntil(closing.signal, shop, name, chance.branch(), purchases);
    }),
  );
  // A customer who fails ends the whole: that is a fault of the bench or of the contract.
  const load = Promise.all(customers);
  await Promise.race([
    load,
    killOften(stack, kills, chance.branch(), (kill) => {
      if (kill % 10 === 0) console.log(`${kill} kills, ${purchases.length} orders`);
    }),
  ]);
  closing.abort();
  await load;
  return await settled(stack, shops, purchases, kills);
}

/** Repeats what is still open, and looks at the accounts until they agree or time has run out. */
async function settled(
  stack: Stack,
  shops: readonly Shop[],
  purchases: readonly Purchase[],
  kills: number,
): Promise<Accounts> {
  const admin = new AdminClient(stack.gatewayUrl, stack.adminToken);
  const endAt = Date.now() + SETTLE_MS;
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
    console.log(`settling: ${open} refunds to be granted, ${faults} differences`);
    if ((open === 0 && faults === 0) || Date.now() > endAt) return accounts;
    await sleep(LOOK_MS);
  }
}

function tell({ ledger, record, purchases, callbacks, kills }: Accounts, seconds: number): void {
  const counted = record.reduce(
    (sum, { payNotifyNumber, refunds }) =>
      sum + payNotifyNumber + refunds.reduce((more, { notifyNumber }) => more + notifyNumber, 0),
    0,
  );
  const attempts = ledger.notifications.flatMap((notification) => notification.attempts).length;
  const rows: readonly (readonly [string, number | string])[] = [
    ["kills", kills],
    ["orders wanted by apps", purchases.length],
    ["orders in D1", record.length],
    ["orders at WeChat", ledger.orders.length],
    ["paid", ledger.orders.filter(({ paidAt }) => paidAt !== null).length],
    ["refunds at WeChat", ledger.refunds.length],
    [
      "refunds refused",
      record.flatMap(({ refunds }) => refunds).filter(({ state }) => state === "refused").length,
    ],
    [
      "refund wishes never granted",
      purchases.flatMap(({ wishes, paid }) => (paid ? wishes : [])).filter(({ done }) => !done)
        .length,
    ],
    ["notifications of WeChat", ledger.notifications.length],
    ["tries that they took", attempts],
    ["calls received by apps", callbacks.length],
    ["calls counted, cut off by a kill", counted - callbacks.length],
    ["seconds", Math.round(seconds)],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(36)} ${value}`);
}

await main();
