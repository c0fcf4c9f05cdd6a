import { env } from "cloudflare:workers";
import { vi } from "vitest";

/** A data point, by the column names of docs/operate.md. */
export interface DataPoint {
  readonly index: unknown;
  readonly kind: unknown;
  readonly subject: unknown;
  readonly outcome: unknown;
  readonly app: unknown;
  readonly code: unknown;
  readonly doubles: readonly number[];
}

/** Collects the data points that routes and objects write from now on. */
export function recordDataPoints(): DataPoint[] {
  const points: DataPoint[] = [];
  vi.spyOn(env.METRICS, "writeDataPoint").mockImplementation((point) => {
    const [kind, subject, outcome, app, code] = point?.blobs ?? [];
    const [index] = point?.indexes ?? [];
    points.push({ index, kind, subject, outcome, app, code, doubles: point?.doubles ?? [] });
  });
  return points;
}
