import type { Config } from "../config.ts";
import { LONGEST_WAIT } from "../core/contract/schedule.ts";
import type { Database } from "../db/database.ts";
import type { Mark } from "../db/marks.ts";
import {
  failingOrders,
  overdueOrders,
  unfinishedOrders,
  unfinishedRefunds,
  type Reach,
  type Stretch,
} from "../db/sweep-list.ts";

const MINUTE = 60_000;

/** An order this old has been asked about for the first time, or its timer was never armed. */
const YOUNGEST_MS = 2 * MINUTE;
/** This long after its expiry an order is closed and failed, or WeChat is in trouble. */
const AFTER_EXPIRY_MS = 30 * MINUTE;
/** A refund has been asked about four times by then, or nobody asks. */
const REFUND_AGE_MS = 5 * MINUTE;
/** An alarm may be late, and a call takes its time. */
const SLACK_MS = 2 * MINUTE;

/** One way along the record. Each row is met once, or once a day, but for a way without a mark. */
export interface Walk {
  readonly name: string;
  /** How far it has come. Null for one that is gone along as a whole each time. */
  readonly mark: Exclude<Mark["name"], "schedule"> | null;
  readonly list: (db: Database, reach: Reach) => Promise<Stretch>;
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
export const WALKS: readonly Walk[] = [
  {
    name: "overdue",
    mark: null,
    list: overdueOrders,
    ageMs: () => SLACK_MS,
    daily: false,
  },
  {
    name: "failing",
    mark: "sweep_failing",
    list: failingOrders,
    ageMs: () => LONGEST_WAIT + SLACK_MS,
    daily: false,
  },
  {
    name: "refunds",
    mark: "sweep_refund",
    list: unfinishedRefunds,
    ageMs: () => REFUND_AGE_MS,
    daily: true,
  },
  {
    name: "orders",
    mark: "sweep_order",
    list: unfinishedOrders,
    ageMs: ({ orderTtlMs }) => orderTtlMs + AFTER_EXPIRY_MS,
    daily: false,
  },
  {
    name: "new orders",
    mark: "sweep_new_order",
    list: unfinishedOrders,
    ageMs: () => YOUNGEST_MS,
    daily: false,
  },
];
