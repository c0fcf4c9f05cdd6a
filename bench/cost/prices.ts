import type { Counts } from "./counts.ts";

/**
 * Cloudflare's list prices in US dollars, Workers Paid plan, beyond what the plan includes. Sources
 * and the date they were read are in bench/README.md.
 */
const MILLION = 1_000_000;
const USD = {
  request: 0.3 / MILLION,
  cpuMs: 0.02 / MILLION,
  rowRead: 0.001 / MILLION,
  rowWritten: 1 / MILLION,
  objectRequest: 0.15 / MILLION,
  objectGbSecond: 12.5 / MILLION,
  dataPoint: 0.25 / MILLION,
} as const;

/** An object is billed for 128 MB while it runs or waits. */
const OBJECT_GB = 0.128;

/**
 * Values that can't be counted here: CPU is measured by `bench:load`; network times between
 * Cloudflare, WeChat and an app are assumed.
 */
export const ASSUMED = {
  /** CPU time of one request to the Worker. */
  cpuMsPerRequest: 5,
  /** A trip from an object to D1. */
  d1TripMs: 30,
  /** A call to WeChat or to an app. */
  callMs: 300,
  /** The rest of an object's time, per call to it. */
  objectMs: 5,
} as const;

/** The price of a million, in US dollars, by item. */
export interface Price {
  readonly worker: number;
  readonly d1: number;
  readonly objectRequests: number;
  readonly objectDuration: number;
  readonly objectRows: number;
  readonly analytics: number;
  readonly total: number;
}

export function priceOfMillion(counts: Counts): Price {
  const objectMs =
    counts.objectRequests * ASSUMED.objectMs +
    counts.objectTrips * ASSUMED.d1TripMs +
    counts.objectCalls * ASSUMED.callMs;
  const items = {
    worker: counts.requests * (USD.request + ASSUMED.cpuMsPerRequest * USD.cpuMs) * MILLION,
    d1: (counts.d1Read * USD.rowRead + counts.d1Written * USD.rowWritten) * MILLION,
    objectRequests: counts.objectRequests * USD.objectRequest * MILLION,
    objectDuration: (objectMs / 1000) * OBJECT_GB * USD.objectGbSecond * MILLION,
    objectRows: (counts.objectRead * USD.rowRead + counts.objectWritten * USD.rowWritten) * MILLION,
    analytics: counts.dataPoints * USD.dataPoint * MILLION,
  };
  return { ...items, total: Object.values(items).reduce((sum, item) => sum + item, 0) };
}
