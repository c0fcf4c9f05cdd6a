import { mkdirSync } from "node:fs";
import path from "node:path";
import { startStack } from "../../testkit/stack/stack.ts";
import { AppClient } from "../../testkit/app-client.ts";
import { eventually } from "../../testkit/eventually.ts";
import { removeFolder, temporaryFolder } from "../../testkit/stack/leftovers.ts";
import { migrate } from "../../testkit/stack/migrate.ts";
import { freePorts } from "../../testkit/stack/ports.ts";
import { WorkerProcess } from "../../testkit/stack/worker-process.ts";
import { cpuOf } from "../support/cpu.ts";
import { Latencies } from "../support/latencies.ts";
import { machineLine } from "../support/machine.ts";
import { inParallel } from "../support/pool.ts";
import { Client } from "../support/post.ts";
import { Receiver } from "./receiver-process.ts";
import { live, type Endpoint, type Lived, type Target } from "./order-run.ts";
import { ratioTable, latencyTable, type Measured } from "./report.ts";
import { openFloorShop, openGatewayShop } from "./targets.ts";
import { differences } from "./compare.ts";

/** The gateway and the floor take turns, so that whatever else the machine does hits both. */
const ROUNDS = 10;
/** Lives one after the other, before the load, in each of the rounds. */
const QUIET_LIVES_A_ROUND = 15;
const WARM_UP_LIVES = 60;
const MOST_FAULTS_SHOWN = 20;

/** Runs everything and prints the tables. Returns whether every event was as it had to be. */
export async function runLoad(orders: number, width: number): Promise<boolean> {
  const folder = temporaryFolder("wechat-pay-load-");
  const storage = {
    gateway: path.join(folder, "gateway"),
    sandbox: path.join(folder, "sandbox"),
    floor: path.join(folder, "floor"),
  };
  for (const place of Object.values(storage)) mkdirSync(place);
  const receiver = await Receiver.start();
  const stack = await startStack({ storage });
  const floor = await startFloor(storage.floor, folder, stack.sandboxUrl);
  const client = new Client();
  try {
    const { gatewayUrl, sandboxUrl } = stack;
    const gateway = measured({
      url: gatewayUrl,
      sandboxUrl,
      client,
      shop: await openGatewayShop(stack, receiver),
    });
    const least = measured({
      url: floor.url,
      sandboxUrl,
      client,
      shop: await openFloorShop(floor.url, sandboxUrl, receiver),
    });
    print(`${machineLine()}\n`);
    await takeTurns(gateway, least, Array(ROUNDS).fill(QUIET_LIVES_A_ROUND), 1, "quiet");
    const share = Math.ceil(orders / ROUNDS);
    const rounds = Array.from({ length: ROUNDS }, (_, round) =>
      Math.max(0, Math.min(share, orders - round * share)),
    );
    const before = [gateway, least].map(cpuSoFar);
    await takeTurns(gateway, least, rounds, width, "loaded");
    // While one has its turn, the other has nothing to do.
    gateway.cpuMs = cpuSoFar(gateway) - (before[0] ?? 0);
    least.cpuMs = cpuSoFar(least) - (before[1] ?? 0);
    printTables(gateway, least, width);
    await settle(gateway, receiver);
    const faults = await differences({
      shop: gateway.target.shop,
      lives: gateway.lives,
      heard: receiver.heard,
      storage,
      clientOf: (app) => new AppClient(gatewayUrl, app),
    });
    for (const fault of faults.slice(0, MOST_FAULTS_SHOWN)) print(`✗ ${fault}`);
    const refunds = gateway.lives.filter(({ refund }) => refund !== null).length;
    print(
      faults.length > 0
        ? `\n✗ ${faults.length} differences`
        : `\n✓ ${gateway.lives.length} orders, ${refunds} refunds and ${receiver.heard.length} callbacks are as they must be: in D1, in WeChat's books, at the apps and in their sight.`,
    );
    return faults.length === 0;
  } catch (error) {
    print(`The gateway's log ends:\n${tail(stack.gatewayLog())}\nThe floor's:\n${floor.logTail()}`);
    throw error;
  } finally {
    client.close();
    receiver.stop();
    await Promise.all([stack.stop(), floor.stop()]);
    removeFolder(folder);
  }
}

function cpuSoFar({ target }: Measured): number {
  return cpuOf(Number(new URL(target.url).port));
}

function measured(target: Target): Measured {
  return {
    target,
    lives: [],
    quiet: new Latencies<Endpoint>(),
    loaded: new Latencies<Endpoint>(),
    loadedSeconds: 0,
    loadedLives: 0,
    cpuMs: 0,
  };
}

async function takeTurns(
  gateway: Measured,
  floor: Measured,
  rounds: readonly number[],
  width: number,
  kind: "quiet" | "loaded",
): Promise<void> {
  // Code that has hardly run takes longer, and counts for neither.
  for (const side of [gateway, floor]) {
    await lead(side, WARM_UP_LIVES, width, new Latencies<Endpoint>());
  }
  for (const [round, count] of rounds.entries()) {
    // Neither is always first.
    const order = round % 2 === 0 ? [gateway, floor] : [floor, gateway];
    for (const side of order) {
      const startedAt = performance.now();
      await lead(side, count, width, side[kind]);
      if (kind === "quiet") continue;
      side.loadedSeconds += (performance.now() - startedAt) / 1000;
      side.loadedLives += count;
    }
  }
}

async function lead(
  side: Measured,
  count: number,
  width: number,
  latencies: Latencies<Endpoint>,
): Promise<void> {
  const first = side.lives.length;
  const lived: Lived[] = [];
  const indexes = Array.from({ length: count }, (_, index) => first + index);
  await inParallel(indexes, width, async (index) => {
    lived.push(await live(side.target, index, latencies));
  });
  side.lives.push(...lived);
}

/** WeChat decides all refunds, and the apps are told of all that there is to tell. */
async function settle({ target, lives }: Measured, receiver: Receiver): Promise<void> {
  const refunds = lives.flatMap(({ refund }) => (refund === null ? [] : refund.refund_no));
  await inParallel(refunds, 4, async (refundNo) => {
    const url = `${target.sandboxUrl}/sandbox/api/refunds/${refundNo}/outcome`;
    const answer = await target.client.post(url, "application/json", '{"status":"SUCCESS"}');
    if (answer.status !== 200) throw new Error(`a refund can't be decided: ${answer.text}`);
  });
  const due = lives.length + refunds.length;
  let [before, still] = [0, 0];
  await eventually(
    `${due} callbacks`,
    async () => {
      const count = await receiver.listen();
      // When nothing has come for long, what is missing is reported one by one.
      still = count === before ? still + 1 : 0;
      before = count;
      return count >= due || still > 1200 ? true : undefined;
    },
    3600_000,
  );
  // D1 hears of a call's end after the app has answered; and what comes too often comes now.
  await new Promise((resolve) => {
    setTimeout(resolve, 3_000);
  });
  await receiver.listen();
}

async function startFloor(
  persistTo: string,
  scratch: string,
  sandboxUrl: string,
): Promise<WorkerProcess> {
  await migrate(persistTo, scratch);
  const [port = 0] = await freePorts(1);
  return await WorkerProcess.start({
    name: "the floor",
    config: "bench/floor/wrangler.toml",
    port,
    persistTo,
    scratch,
    vars: { PUBLIC_URL: `http://127.0.0.1:${port}`, WECHAT_PAY_URL: sandboxUrl },
  });
}

function printTables(gateway: Measured, floor: Measured, width: number): void {
  print(`Latency in ms, one life at a time:\n`);
  print(latencyTable(gateway, floor, "quiet"));
  print(`\nLatency in ms, ${width} lives at once:\n`);
  print(latencyTable(gateway, floor, "loaded"));
  print(`\nWhat the floor takes, as a share of what the gateway takes (median); goal 0.85:\n`);
  print(ratioTable(gateway, floor));
}

function tail(log: string): string {
  return log.trimEnd().split("\n").slice(-40).join("\n");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
