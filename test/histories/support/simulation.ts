import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { RefundStatus } from "../../../sandbox/src/ledger/refunds.ts";
import type { Ledger } from "../../../sandbox/src/ledger.ts";
import type { OrderObject } from "../../../src/orders/order-object.ts";
import type { RefundRow } from "../../../src/db/rows.ts";
import { forgetSettings } from "../../../src/settings/settings.ts";
import { stopClock } from "../../support/clock.ts";
import { AppServers } from "./app-servers.ts";
import { merchantFor, resetSandbox, type Merchant } from "./merchant.ts";
import { Network } from "./network.ts";
import { readNotification, type NotificationContent } from "./notification-content.ts";
import { readBaseline, readSnapshot, rowsSince, type Baseline, type Snapshot } from "./snapshot.ts";
import type { SignType } from "./steps.ts";

/** The parameters with which an app opens WeChat's bridge, so that the payer can pay. */
export interface Bridge {
  readonly appId: string;
  readonly timeStamp: string;
  readonly nonceStr: string;
  readonly package: string;
  readonly signType: string;
  readonly paySign: string;
}

/** The gateway's environment in one history, and what the history has observed so far. */
export interface Simulation {
  readonly merchant: Merchant;
  readonly baseline: Baseline;
  readonly apps: AppServers;
  readonly network: Network;
  /** Taken after the last step. */
  snapshot: Snapshot;
  /** The bridge parameters that the app received for each order number, newest last. */
  readonly bridges: Map<string, { readonly bridge: Bridge; readonly issuedAt: number }[]>;
  /** Each status that WeChat's ledger has had for a refund, by refund number. */
  readonly statuses: Map<string, Set<RefundStatus>>;
  /** Every log line, and every response to apps and operators. */
  readonly output: string[];
  /** The paths of notifications that were acknowledged before their content was in D1. */
  readonly unstored: readonly string[];
  /** How often all objects were dropped from memory. */
  crashes: number;
  /** The objects whose alarms are running. */
  readonly runningAlarms: Set<GetStub>;
}

/**
 * Resets the clock, the sandbox and the sweep's cursors. The gateway's rows of earlier histories
 * remain, none created after the start.
 */
export async function startSimulation(signType: SignType): Promise<Simulation> {
  stopClock();
  forgetSettings();
  const output: string[] = [];
  for (const level of ["log", "debug", "info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((...parts: unknown[]) => {
      output.push(parts.map(String).join(" "));
    });
  }
  const merchant = await merchantFor(signType);
  await resetSandbox(merchant);
  // Each history starts at the same time. An earlier history's cursor may have passed it, and its
  // orders may have later times, at which the sweep's scan by id would end.
  await env.DB.batch([
    env.DB.prepare("delete from cursors"),
    env.DB.prepare("update orders set created_at = min(created_at, ?)").bind(Date.now()),
  ]);
  const baseline = await readBaseline();
  const apps = new AppServers(new Map(merchant.apps.map((app) => [app.host, app])));
  const unstored: string[] = [];
  const network: Network = new Network(apps, async (notification) => {
    const rows = await network.observe(async () => await rowsSince(baseline));
    const content = readNotification(notification, signType);
    // An error thrown here would reach the sandbox, which takes it for a lost notification.
    if (!isStored(rows, content, merchant)) unstored.push(notification.path);
  });
  return {
    merchant,
    baseline,
    apps,
    network,
    snapshot: await readSnapshot(baseline),
    bridges: new Map(),
    statuses: new Map(),
    output,
    unstored,
    crashes: 0,
    runningAlarms: new Set(),
  };
}

export function ledger(): DurableObjectStub<Ledger> {
  return env.LEDGER.getByName("wechat");
}

export function orderObject(number: string): DurableObjectStub<OrderObject> {
  return env.ORDER_OBJECT.getByName(number);
}

/** Returns a new stub of an object: a stub from before a crash is broken. */
type GetStub = () => DurableObjectStub;

/** Runs an object's alarm if it is set, due or not. */
export async function runAlarm({ runningAlarms }: Simulation, getStub: GetStub): Promise<void> {
  runningAlarms.add(getStub);
  try {
    await runDurableObjectAlarm(getStub());
  } finally {
    runningAlarms.delete(getStub);
  }
}

/**
 * Drops all objects from memory at once; their storage stays. The platform repeats an alarm that was
 * cut off, but runDurableObjectAlarm deletes the alarm before it runs: so it is set again.
 */
export async function crash(simulation: Simulation): Promise<void> {
  const cutOff = [...simulation.runningAlarms];
  simulation.crashes += 1;
  forgetSettings();
  await abortAllDurableObjects();
  for (const getStub of cutOff) {
    await runInDurableObject(getStub(), async (_object, { storage }) => {
      await storage.setAlarm(Date.now() + 1);
    });
  }
}

/** Whether D1 has exactly this content. The order's amount in a refund notification is ignored. */
function isStored(
  rows: Pick<Snapshot, "orders" | "refunds">,
  content: NotificationContent,
  { mchId }: Merchant,
): boolean {
  return content.refundNo === null
    ? rows.orders.some(
        ({ number, payState, totalFen, wechatAppId }) =>
          number === content.orderNumber &&
          payState === "paid" &&
          totalFen === content.totalFen &&
          wechatAppId === content.wechatAppId &&
          mchId === content.mchId,
      )
    : rows.refunds.some(({ number, state }) => number === content.refundNo && isReportable(state));
}

/** Whether the app is called about a refund in this state. */
export function isReportable(state: RefundRow["state"]): boolean {
  return state === "succeeded" || state === "closed" || state === "abnormal";
}
