import type { Config } from "../config.ts";
import { MAX_WAIT_MS } from "../contract/callback/schedule.ts";
import type { Database } from "../db/database.ts";
import type { Cursor } from "../db/cursors.ts";
import {
  failingOrders,
  overdueOrders,
  unfinishedOrders,
  unfinishedRefunds,
  type ScanWindow,
  type Page,
} from "../db/scans.ts";

const MINUTE = 60_000;

/** By this age an order has been queried once, or its timer was never armed. */
const MIN_ORDER_AGE_MS = 2 * MINUTE;
/** By this time after its expiry an order has been closed and failed, unless WeChat has an outage. */
const EXPIRY_GRACE_MS = 30 * MINUTE;
/** By this age a refund has been queried four times, or its timer is lost. */
const MIN_REFUND_AGE_MS = 5 * MINUTE;
/** Allowance for late alarms and slow calls. */
const SLACK_MS = 2 * MINUTE;

/** A scan of the record. Visits each row once, or once a day; without a cursor, on every run. */
export interface Scan {
  readonly name: string;
  /** The name of its stored progress; null for a scan that reads its whole list on every run. */
  readonly cursor: Exclude<Cursor["name"], "schedule"> | null;
  readonly list: (db: Database, window: ScanWindow) => Promise<Page>;
  /** Minimum time since a row's last change, in ms. */
  readonly ageMs: (config: Config) => number;
  /**
   * Whether it restarts each day. Other scans notice a lost timer by its missing effect in the
   * record (a call that wasn't made), but an open refund looks the same for days.
   */
  readonly daily: boolean;
}

/**
 * The sweep's scans, most important first, since a run has a limit. They visit a waiting order twice
 * rather than on every run: early, for a timer that was never armed, and after its expiry. If a third
 * of a million orders a day are unpaid after two minutes, a run makes about 2,000 calls to objects.
 * The other scans find almost nothing in normal operation.
 */
export const SCANS: readonly Scan[] = [
  {
    name: "overdue",
    cursor: null,
    list: overdueOrders,
    ageMs: () => SLACK_MS,
    daily: false,
  },
  {
    name: "failing",
    cursor: "sweep_failing",
    list: failingOrders,
    ageMs: () => MAX_WAIT_MS + SLACK_MS,
    daily: false,
  },
  {
    name: "refunds",
    cursor: "sweep_refund",
    list: unfinishedRefunds,
    ageMs: () => MIN_REFUND_AGE_MS,
    daily: true,
  },
  {
    name: "orders",
    cursor: "sweep_order",
    list: unfinishedOrders,
    ageMs: ({ orderTtlMs }) => orderTtlMs + EXPIRY_GRACE_MS,
    daily: false,
  },
  {
    name: "new orders",
    cursor: "sweep_new_order",
    list: unfinishedOrders,
    ageMs: () => MIN_ORDER_AGE_MS,
    daily: false,
  },
];
