import type { Latencies } from "../support/latencies.ts";
import { tableOf } from "../support/table.ts";
import { ENDPOINTS, type Endpoint, type Lived, type Target } from "./order-run.ts";

/** What was measured of the gateway, or of the floor. */
export interface Measured {
  readonly target: Target;
  readonly lives: Lived[];
  /** One life at a time. */
  readonly quiet: Latencies<Endpoint>;
  /** Several at once. */
  readonly loaded: Latencies<Endpoint>;
  loadedSeconds: number;
  loadedLives: number;
  /** CPU time that the Worker took for those lives. */
  cpuMs: number;
}

type Kind = "quiet" | "loaded";

export function latencyTable(gateway: Measured, floor: Measured, kind: Kind): string {
  const heads = ["", "calls", "p50", "p90", "p99", "max", "floor p50", "floor p90", "floor p99"];
  const rows = ENDPOINTS.map((endpoint) => [
    endpoint,
    String(gateway[kind].count(endpoint)),
    ms(gateway[kind], endpoint, 0.5),
    ms(gateway[kind], endpoint, 0.9),
    ms(gateway[kind], endpoint, 0.99),
    ms(gateway[kind], endpoint, 1),
    ms(floor[kind], endpoint, 0.5),
    ms(floor[kind], endpoint, 0.9),
    ms(floor[kind], endpoint, 0.99),
  ]);
  return tableOf(heads, rows);
}

/** 1.00: the gateway takes no longer than the floor. */
export function ratioTable(gateway: Measured, floor: Measured): string {
  const rows = ENDPOINTS.map((endpoint) => [
    endpoint,
    ratio(floor.quiet, gateway.quiet, endpoint),
    ratio(floor.loaded, gateway.loaded, endpoint),
  ]);
  const speeds = [gateway, floor].map((side) => side.loadedLives / side.loadedSeconds);
  const [ours = 0, least = 1] = speeds;
  const cpu = [gateway, floor].map((side) => (side.cpuMs / side.loadedLives).toFixed(1));
  return [
    tableOf(["", "one at a time", "under load"], rows),
    `\nThroughput under load: ${ours.toFixed(1)} lives/s, the floor ${least.toFixed(1)} lives/s: ${(ours / least).toFixed(2)}`,
    `CPU time of the Worker a life: ${cpu[0]} ms, the floor ${cpu[1]} ms`,
  ].join("\n");
}

function ratio(
  floor: Latencies<Endpoint>,
  gateway: Latencies<Endpoint>,
  endpoint: Endpoint,
): string {
  return (floor.percentile(endpoint, 0.5) / gateway.percentile(endpoint, 0.5)).toFixed(2);
}

function ms(latencies: Latencies<Endpoint>, endpoint: Endpoint, share: number): string {
  return latencies.percentile(endpoint, share).toFixed(1);
}
