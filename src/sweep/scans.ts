import type { Config } from "../config.ts";
import { MAX_WAIT_MS } from "../contract/callback/schedule.ts";
import type { Cursor } from "../db/cursors.ts";
import type { Database } from "../db/database.ts";
import type { Page, ScanWindow } from "../db/scan-page.ts";
import {
  overdueCloses,
  overduePayments,
  overdueRefunds,
  unfinishedOrders,
  unfinishedRefunds,
  unplannedCloses,
  unplannedPayments,
  unplannedRefunds,
} from "../db/scans.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** By this age an order has been queried once, or its timer was never armed. */
const MIN_ORDER_AGE_MS = 2 * MINUTE;
/** By this time after its expiry an order has been closed and failed, unless WeChat has an outage. */
const EXPIRY_GRACE_MS = 30 * MINUTE;
/** By this age a refund has been queried four times, or its timer is lost. */
const MIN_REFUND_AGE_MS = 5 * MINUTE;
/** From this age on a refund is checked daily. */
const MIN_DAILY_REFUND_AGE_MS = 12 * HOUR;
/** Allowance for late alarms and slow calls. */
const SLACK_MS = 2 * MINUTE;

/** A scan of the record, a page per run. */
export interface Scan {
  /** The name of its stored progress. */
  readonly name: Exclude<Cursor["name"], "schedule">;
  readonly list: (db: Database, window: ScanWindow) => Promise<Page>;
  /** Minimum time since the row's time (of its creation, change or planned call), in ms. */
  readonly ageMs: (config: Config) => number;
  /**
   * When it starts over: `never`, it visits each row once; `daily`, because an open refund looks the
   * same for days, whether or not its timer is lost; `always`, at its end, because a row stays in the
   * list until it is no longer overdue.
   */
  readonly restarts: "never" | "daily" | "always";
  /**
   * Orders that one run checks for this scan at most, so that no scan can take another's part; it
   * gets what the scans before it have left, too. Within a scan the apps share alike (db/scan-page).
   */
  readonly share: number;
}

/**
 * The sweep's scans. They visit a waiting order twice rather than on every run: early, for a timer
 * that was never armed, and after its expiry. If a third of a million orders a day are unpaid after
 * two minutes, a run makes about 2,300 calls to objects for new orders. The other scans find almost
 * nothing in normal operation; overdue calls are last, for all that is left when many have lost
 * their timers.
 */
export const SCANS: readonly Scan[] = [
  {
    name: "sweep_new_order",
    list: unfinishedOrders,
    ageMs: () => MIN_ORDER_AGE_MS,
    restarts: "never",
    share: 2_400,
  },
  {
    name: "sweep_new_refund",
    list: unfinishedRefunds,
    ageMs: () => MIN_REFUND_AGE_MS,
    restarts: "never",
    share: 400,
  },
  {
    name: "sweep_order",
    list: unfinishedOrders,
    ageMs: ({ orderTtlMs }) => orderTtlMs + EXPIRY_GRACE_MS,
    restarts: "never",
    share: 400,
  },
  {
    name: "sweep_refund",
    list: unfinishedRefunds,
    ageMs: () => MIN_DAILY_REFUND_AGE_MS,
    restarts: "daily",
    share: 200,
  },
  {
    name: "sweep_failing",
    list: unplannedPayments,
    ageMs: () => MAX_WAIT_MS + SLACK_MS,
    restarts: "never",
    share: 50,
  },
  {
    name: "sweep_failing_refund",
    list: unplannedRefunds,
    ageMs: () => MAX_WAIT_MS + SLACK_MS,
    restarts: "never",
    share: 50,
  },
  {
    name: "sweep_failing_close",
    list: unplannedCloses,
    ageMs: () => MAX_WAIT_MS + SLACK_MS,
    restarts: "never",
    share: 50,
  },
  {
    name: "sweep_call",
    list: overduePayments,
    ageMs: () => SLACK_MS,
    restarts: "always",
    share: 250,
  },
  {
    name: "sweep_refund_call",
    list: overdueRefunds,
    ageMs: () => SLACK_MS,
    restarts: "always",
    share: 250,
  },
  {
    name: "sweep_close_call",
    list: overdueCloses,
    ageMs: () => SLACK_MS,
    restarts: "always",
    share: 100,
  },
];
