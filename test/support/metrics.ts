import { env } from "cloudflare:workers";
import { vi } from "vitest";

/** A data point by the names that docs/operation.md gives its columns. */
export interface Counted {
  readonly index: unknown;
  readonly kind: unknown;
  readonly subject: unknown;
  readonly outcome: unknown;
  readonly app: unknown;
  readonly code: unknown;
  readonly doubles: readonly number[];
}

/** Everything that is counted from now on, by routes and objects alike. */
export function watchMetrics(): Counted[] {
  const counted: Counted[] = [];
  vi.spyOn(env.METRICS, "writeDataPoint").mockImplementation((point) => {
    const [kind, subject, outcome, app, code] = point?.blobs ?? [];
    const [index] = point?.indexes ?? [];
    counted.push({ index, kind, subject, outcome, app, code, doubles: point?.doubles ?? [] });
  });
  return counted;
}
