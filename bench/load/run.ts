import { mkdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startStack } from "../../testkit/stack/stack.ts";
import { eventually } from "../../testkit/eventually.ts";
import { Progress } from "../../testkit/progress.ts";
import { removeFolder, temporaryFolder } from "../../testkit/stack/leftovers.ts";
import { migrate } from "../../testkit/stack/migrate.ts";
import { freePorts, startOnFreePorts } from "../../testkit/stack/ports.ts";
import { WorkerProcess } from "../../testkit/stack/worker-process.ts";
import { cpuOf } from "../support/cpu.ts";
import { Latencies } from "../support/latencies.ts";
import { machineLine } from "../support/machine.ts";
import { inParallel } from "../support/pool.ts";
import { Client } from "../support/post.ts";
import { differences } from "./compare.ts";
import { ReceiverProcess } from "./receiver-process.ts";
import { latencyTable, ratioTable, type Measurement, type Mode } from "./report.ts";
import { runOrder, type CompletedOrder, type Endpoint } from "./run-order.ts";
import { floorTarget, gatewayTarget, type Target } from "./targets.ts";

/** The gateway and the floor alternate, so that other load on the machine affects both. */
const ROUNDS = 10;
/** Orders one after the other, before the load, in each round. */
const SEQUENTIAL_ORDERS_PER_ROUND = 15;
const WARM_UP_ORDERS = 60;
const MAX_FAULTS_SHOWN = 20;
/** About a minute without a callback. */
const MAX_UNCHANGED_POLLS = 1200;
const CALLBACKS_TIMEOUT_MS = 3600_000;
const LAST_CALLBACKS_MS = 3_000;

/** Runs everything and prints the tables. Returns whether every order, refund and callback is correct. */
export async function runLoad(orders: number, width: number): Promise<boolean> {
  const folder = temporaryFolder("wechat-pay-load-");
  const storage = {
    gateway: path.join(folder, "gateway"),
    sandbox: path.join(folder, "sandbox"),
    floor: path.join(folder, "floor"),
  };
  for (const place of Object.values(storage)) mkdirSync(place);
  const receiver = await ReceiverProcess.start();
  const stack = await startStack({ storage });
  const floorWorker = await startFloor(storage.floor, folder, stack.sandboxUrl);
  const client = new Client();
  try {
    const gateway = newMeasurement(await gatewayTarget(stack, receiver, client));
    const floor = newMeasurement(
      await floorTarget(floorWorker.url, stack.sandboxUrl, receiver, client),
    );
    print(`${machineLine()}\n`);
    const sequential = Array<number>(ROUNDS).fill(SEQUENTIAL_ORDERS_PER_ROUND);
    await alternate(gateway, floor, sequential, 1, "sequential");
    const share = Math.ceil(orders / ROUNDS);
    const rounds = Array.from({ length: ROUNDS }, (_, round) =>
      Math.max(0, Math.min(share, orders - round * share)),
    );
    const before = [gateway, floor].map(cpuSoFar);
    await alternate(gateway, floor, rounds, width, "concurrent");
    // While one of them works, the other is idle.
    gateway.cpuMs = cpuSoFar(gateway) - (before[0] ?? 0);
    floor.cpuMs = cpuSoFar(floor) - (before[1] ?? 0);
    printTables(gateway, floor, width);
    await finishRefunds(gateway, receiver);
    const faults = await differences({
      merchant: gateway.target.merchant,
      completed: gateway.orders,
      callbacks: receiver.callbacks,
      storage,
    });
    for (const fault of faults.slice(0, MAX_FAULTS_SHOWN)) print(`✗ ${fault}`);
    const refunds = gateway.orders.filter(({ refund }) => refund !== null).length;
    print(
      faults.length > 0
        ? `\n✗ ${faults.length} differences`
        : `\n✓ ${gateway.orders.length} orders, ${refunds} refunds and ${receiver.callbacks.length} callbacks are correct: in D1, at WeChat, at the apps and in the apps' queries.`,
    );
    return faults.length === 0;
  } catch (error) {
    print(
      `The gateway's log ends:\n${tail(stack.gatewayLog())}\nThe floor's:\n${floorWorker.logTail()}`,
    );
    throw error;
  } finally {
    client.close();
    receiver.stop();
    await Promise.all([stack.stop(), floorWorker.stop()]);
    removeFolder(folder);
  }
}

function cpuSoFar({ target }: Measurement): number {
  return cpuOf(Number(new URL(target.url).port));
}

function newMeasurement(target: Target): Measurement {
  return {
    target,
    orders: [],
    sequential: new Latencies<Endpoint>(),
    concurrent: new Latencies<Endpoint>(),
    concurrentSeconds: 0,
    concurrentOrders: 0,
    cpuMs: 0,
  };
}

async function alternate(
  gateway: Measurement,
  floor: Measurement,
  rounds: readonly number[],
  width: number,
  mode: Mode,
): Promise<void> {
  const total = 2 * (WARM_UP_ORDERS + rounds.reduce((sum, count) => sum + count, 0));
  const progress = new Progress("load", { unit: "orders", total });
  progress.note(mode === "sequential" ? "one at a time" : `${width} at once`);
  // Cold code is slower, so the first orders are not measured.
  for (const side of [gateway, floor]) {
    await runOrders(side, WARM_UP_ORDERS, width, new Latencies<Endpoint>(), progress);
  }
  for (const [round, count] of rounds.entries()) {
    // Each goes first in half of the rounds.
    const order = round % 2 === 0 ? [gateway, floor] : [floor, gateway];
    for (const side of order) {
      const startedAt = performance.now();
      await runOrders(side, count, width, side[mode], progress);
      if (mode === "sequential") continue;
      side.concurrentSeconds += (performance.now() - startedAt) / 1000;
      side.concurrentOrders += count;
    }
  }
  progress.end();
}

async function runOrders(
  side: Measurement,
  count: number,
  width: number,
  latencies: Latencies<Endpoint>,
  progress: Progress,
): Promise<void> {
  const first = side.orders.length;
  const completed: CompletedOrder[] = [];
  const indexes = Array.from({ length: count }, (_, index) => first + index);
  await inParallel(indexes, width, async (index) => {
    completed.push(await runOrder(side.target, index, latencies));
    progress.add();
  });
  side.orders.push(...completed);
}

/** WeChat decides all refunds; waits until the apps have received all callbacks. */
async function finishRefunds(
  { target, orders }: Measurement,
  receiver: ReceiverProcess,
): Promise<void> {
  const refunds = orders.flatMap(({ refund }) => (refund === null ? [] : refund.refund_no));
  await inParallel(refunds, 4, async (refundNo) => {
    const url = `${target.sandboxUrl}/sandbox/api/refunds/${refundNo}/outcome`;
    const answer = await target.client.post(url, "application/json", '{"status":"SUCCESS"}');
    if (answer.status !== 200) throw new Error(`a refund can't be decided: ${answer.text}`);
  });
  const due = orders.length + refunds.length;
  const progress = new Progress("load", { unit: "callbacks", total: due });
  let [before, unchanged] = [0, 0];
  await eventually(
    `${due} callbacks`,
    async () => {
      const count = await receiver.fetchCallbacks();
      progress.set(count);
      unchanged = count === before ? unchanged + 1 : 0;
      before = count;
      // After a long silence the comparison reports each missing one.
      return count >= due || unchanged > MAX_UNCHANGED_POLLS ? true : undefined;
    },
    CALLBACKS_TIMEOUT_MS,
  );
  progress.end();
  // Deliveries are recorded in D1 after the app's answer, and a duplicate would arrive now.
  await sleep(LAST_CALLBACKS_MS);
  await receiver.fetchCallbacks();
}

async function startFloor(
  persistTo: string,
  scratch: string,
  sandboxUrl: string,
): Promise<WorkerProcess> {
  await migrate(persistTo, scratch);
  return await startOnFreePorts(
    async () => await freePorts(1),
    async ([port = 0]) =>
      await WorkerProcess.start({
        name: "the floor",
        config: "bench/floor/wrangler.toml",
        port,
        persistTo,
        scratch,
        vars: { PUBLIC_URL: `http://127.0.0.1:${port}`, WECHAT_PAY_URL: sandboxUrl },
      }),
  );
}

function printTables(gateway: Measurement, floor: Measurement, width: number): void {
  print(`Latency in ms, one order at a time:\n`);
  print(latencyTable(gateway, floor, "sequential"));
  print(`\nLatency in ms, ${width} orders at once:\n`);
  print(latencyTable(gateway, floor, "concurrent"));
  print(`\nThe floor's median time divided by the gateway's; goal 0.85:\n`);
  print(ratioTable(gateway, floor));
}

function tail(log: string): string {
  return log.trimEnd().split("\n").slice(-40).join("\n");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
