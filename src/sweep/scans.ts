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

/** An order this old has been asked about for the first time, or its timer was never armed. */
const MIN_ORDER_AGE_MS = 2 * MINUTE;
/** This long after its expiry an order is closed and failed, or WeChat is in trouble. */
const EXPIRY_GRACE_MS = 30 * MINUTE;
/** A refund has been asked about four times by then, or nobody asks. */
const MIN_REFUND_AGE_MS = 5 * MINUTE;
/** An alarm may be late, and a call takes its time. */
const SLACK_MS = 2 * MINUTE;

/** One way along the record. Each row is met once, or once a day, but for a way without a mark. */
export interface Scan {
  readonly name: string;
  /** How far it has come. Null for one that is gone along as a whole each time. */
  readonly cursor: Exclude<Cursor["name"], "schedule"> | null;
  readonly list: (db: Database, reach: ScanWindow) => Promise<Page>;
  /** How long a row was left alone before the sweep looks at it, in ms. */
  readonly ageMs: (config: Config) => number;
  /**
   * Whether it begins again each day. What shows in the record when its timer is gone (a call that
   * wasn't made) comes along by itself; an open refund looks the same for days.
   */
  readonly daily: boolean;
}

/**
 * The sweep's ways, what matters most first, since a run has a limit. A waiting order is met twice
 * and not on every run: soon, for a timer that was never armed, and when it should be over. Of a
 * million orders a day perhaps a third are still unpaid after two minutes; that makes some 2,000
 * calls to objects a run. The other ways meet next to nothing while all is well.
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
