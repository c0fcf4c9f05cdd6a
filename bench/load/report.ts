import type { Latencies } from "../support/latencies.ts";
import { tableOf } from "../support/table.ts";
import { ENDPOINTS, type CompletedOrder, type Endpoint } from "./run-order.ts";
import type { Target } from "./targets.ts";

/** The measurements of the gateway, or of the floor. */
export interface Measurement {
  readonly target: Target;
  readonly orders: CompletedOrder[];
  /** One order at a time. */
  readonly sequential: Latencies<Endpoint>;
  /** Several at once. */
  readonly concurrent: Latencies<Endpoint>;
  concurrentSeconds: number;
  concurrentOrders: number;
  /** CPU time of the Worker for those orders. */
  cpuMs: number;
}

export type Mode = "sequential" | "concurrent";

export function latencyTable(gateway: Measurement, floor: Measurement, mode: Mode): string {
  const heads = ["", "calls", "p50", "p90", "p99", "max", "floor p50", "floor p90", "floor p99"];
  const rows = ENDPOINTS.map((endpoint) => [
    endpoint,
    String(gateway[mode].count(endpoint)),
    ms(gateway[mode], endpoint, 0.5),
    ms(gateway[mode], endpoint, 0.9),
    ms(gateway[mode], endpoint, 0.99),
    ms(gateway[mode], endpoint, 1),
    ms(floor[mode], endpoint, 0.5),
    ms(floor[mode], endpoint, 0.9),
    ms(floor[mode], endpoint, 0.99),
  ]);
  return tableOf(heads, rows);
}

/** 1.00: the gateway takes as long as the floor. */
export function ratioTable(gateway: Measurement, floor: Measurement): string {
  const rows = ENDPOINTS.map((endpoint) => [
    endpoint,
    ratio(floor.sequential, gateway.sequential, endpoint),
    ratio(floor.concurrent, gateway.concurrent, endpoint),
  ]);
  const speeds = [gateway, floor].map((side) => side.concurrentOrders / side.concurrentSeconds);
  const [gatewaySpeed = 0, floorSpeed = 1] = speeds;
  const cpu = [gateway, floor].map((side) => (side.cpuMs / side.concurrentOrders).toFixed(1));
  return [
    tableOf(["", "one at a time", "under load"], rows),
    `\nThroughput under load: ${gatewaySpeed.toFixed(1)} orders/s, the floor ${floorSpeed.toFixed(1)} orders/s: ${(gatewaySpeed / floorSpeed).toFixed(2)}`,
    `CPU time of the Worker per order: ${cpu[0]} ms, the floor ${cpu[1]} ms`,
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
