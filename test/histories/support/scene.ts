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
import { bookmark, readBooks, rowsSince, type Bookmark, type Books } from "./books.ts";
import { newsOf, type News } from "./notice-news.ts";
import { openAccount, shopOf, type Shop } from "./shop.ts";
import type { SignType } from "./steps.ts";
import { Wires } from "./wires.ts";

/** What an app hands to WeChat's bridge so that the payer can pay. */
export interface Bridge {
  readonly appId: string;
  readonly timeStamp: string;
  readonly nonceStr: string;
  readonly package: string;
  readonly signType: string;
  readonly paySign: string;
}

/** All that stands around the gateway in one history, and what has been seen of it so far. */
export interface Scene {
  readonly shop: Shop;
  readonly since: Bookmark;
  readonly apps: AppServers;
  readonly wires: Wires;
  /** The books after the last step. */
  books: Books;
  /** With which parameters an order can be paid, by its number; the newest last. */
  readonly bridges: Map<string, { readonly bridge: Bridge; readonly givenAt: number }[]>;
  /** Each status that WeChat has ever had a refund in, by the refund's number. */
  readonly statuses: Map<string, Set<RefundStatus>>;
  /** Every line that was logged, and every answer to apps and operators. */
  readonly seen: string[];
  /** Notifications that were acknowledged though their news wasn't in D1. */
  readonly unstored: readonly string[];
  /** How often all objects were thrown out of memory. */
  crashes: number;
  /** Whose alarms are running. */
  readonly alarms: Set<Reach>;
}

/** Everything as at the beginning of the world, but for the gateway's two earlier shops' rows. */
export async function openScene(signType: SignType): Promise<Scene> {
  stopClock();
  forgetSettings();
  const seen: string[] = [];
  for (const level of ["log", "debug", "info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((...parts: unknown[]) => {
      seen.push(parts.map(String).join(" "));
    });
  }
  const shop = await shopOf(signType);
  await openAccount(shop);
  // Cursors of the sweep: each history starts at the same time again.
  await env.DB.prepare("delete from cursors").run();
  const since = await bookmark();
  const apps = new AppServers(new Map(shop.apps.map((app) => [app.host, app])));
  const unstored: string[] = [];
  const wires: Wires = new Wires(apps, async (notice) => {
    const rows = await wires.peek(async () => await rowsSince(since));
    // Thrown here it would be the sandbox's, for which it would be a lost notification like any.
    if (!isStored(rows, newsOf(notice, signType), shop)) unstored.push(notice.path);
  });
  return {
    shop,
    since,
    apps,
    wires,
    books: await readBooks(since),
    bridges: new Map(),
    statuses: new Map(),
    seen,
    unstored,
    crashes: 0,
    alarms: new Set(),
  };
}

export function ledger(): DurableObjectStub<Ledger> {
  return env.LEDGER.getByName("wechat");
}

export function objectOf(number: string): DurableObjectStub<OrderObject> {
  return env.ORDER_OBJECT.getByName(number);
}

/** Reaches an object anew: what reached it before a crash reaches it no more. */
type Reach = () => DurableObjectStub;

/** Runs an object's alarm, if it has one, whether or not it is due. */
export async function runAlarm({ alarms }: Scene, reach: Reach): Promise<void> {
  alarms.add(reach);
  try {
    await runDurableObjectAlarm(reach());
  } finally {
    alarms.delete(reach);
  }
}

/**
 * Throws all out of memory, at once and unasked; what was stored stays. The platform repeats an
 * alarm that was cut off, though here it is spent as soon as it begins.
 */
export async function crash(scene: Scene): Promise<void> {
  const cutOff = [...scene.alarms];
  scene.crashes += 1;
  forgetSettings();
  await abortAllDurableObjects();
  for (const reach of cutOff) {
    await runInDurableObject(reach(), async (_object, { storage }) => {
      await storage.setAlarm(Date.now() + 1);
    });
  }
}

/** Whether the news is in D1, to the letter. What a refund's says of the order's amount doesn't matter. */
function isStored(rows: Pick<Books, "orders" | "refunds">, news: News, { mchId }: Shop): boolean {
  return news.refundNo === null
    ? rows.orders.some(
        ({ number, payState, totalFen, wechatAppId }) =>
          number === news.orderNumber &&
          payState === "paid" &&
          totalFen === news.totalFen &&
          wechatAppId === news.wechatAppId &&
          mchId === news.mchId,
      )
    : rows.refunds.some(({ number, state }) => number === news.refundNo && isNews(state));
}

/** Whether an app is told of a refund in this state. */
export function isNews(state: RefundRow["state"]): boolean {
  return state === "succeeded" || state === "closed" || state === "abnormal";
}
