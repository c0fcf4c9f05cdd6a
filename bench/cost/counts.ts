/** What Cloudflare bills for one operation or several. */
export interface Counts {
  /** Requests to the Worker, without calls to objects and calls out of the Worker. */
  readonly requests: number;
  readonly d1Trips: number;
  readonly d1Read: number;
  readonly d1Written: number;
  /** Calls to an order's object, and its alarms. */
  readonly objectRequests: number;
  readonly objectRead: number;
  /** Rows written in objects; setting an alarm counts as one. */
  readonly objectWritten: number;
  /** Trips to D1 and calls out that an object waited for: they make up its duration. */
  readonly objectTrips: number;
  readonly objectCalls: number;
  /** Calls to WeChat and to the app. */
  readonly calls: number;
  /** Analytics Engine. */
  readonly dataPoints: number;
}

declare module "vitest" {
  interface TaskMeta {
    /** Passes a test's figures from workerd to the reporter. */
    costs?: readonly CostLine[];
  }
}

export const NOTHING: Counts = {
  requests: 0,
  d1Trips: 0,
  d1Read: 0,
  d1Written: 0,
  objectRequests: 0,
  objectRead: 0,
  objectWritten: 0,
  objectTrips: 0,
  objectCalls: 0,
  calls: 0,
  dataPoints: 0,
};

/** One line of the table. */
export interface CostLine {
  readonly name: string;
  readonly counts: Counts;
  /** One operation, or all of an order's operations. */
  readonly kind: "operation" | "order";
}

export function sumOf(parts: readonly Counts[]): Counts {
  return parts.reduce((sum, part) => combine(sum, part, 1), NOTHING);
}

export function differenceOf(after: Counts, before: Counts): Counts {
  return combine(after, before, -1);
}

function combine(left: Counts, right: Counts, sign: 1 | -1): Counts {
  return {
    requests: left.requests + sign * right.requests,
    d1Trips: left.d1Trips + sign * right.d1Trips,
    d1Read: left.d1Read + sign * right.d1Read,
    d1Written: left.d1Written + sign * right.d1Written,
    objectRequests: left.objectRequests + sign * right.objectRequests,
    objectRead: left.objectRead + sign * right.objectRead,
    objectWritten: left.objectWritten + sign * right.objectWritten,
    objectTrips: left.objectTrips + sign * right.objectTrips,
    objectCalls: left.objectCalls + sign * right.objectCalls,
    calls: left.calls + sign * right.calls,
    dataPoints: left.dataPoints + sign * right.dataPoints,
  };
}
