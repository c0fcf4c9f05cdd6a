import { describe, log } from "./log.ts";
import type { Usage } from "./request-meter.ts";

/** What is counted. Never a secret, an openId or an order's number: each is a word of a short list. */
export type DataPoint =
  | {
      readonly kind: "request";
      /** The route as it is registered, parameters by their names. */
      readonly endpoint: string;
      /** The contract's code, or the HTTP status where there is none. */
      readonly outcome: number;
      readonly app: number | undefined;
      readonly tookMs: number;
      readonly usage: Usage;
    }
  | {
      readonly kind: "wechat_call";
      readonly api: string;
      readonly outcome: string;
      /** WeChat's own, of a refusal. */
      readonly code: string | undefined;
      readonly tookMs: number;
    }
  | {
      readonly kind: "app_call";
      readonly event: "pay" | "refund";
      readonly outcome: "confirmed" | "not confirmed" | "no answer";
      readonly app: number;
      readonly tookMs: number;
    }
  /** A message whose sender could not be verified. */
  | { readonly kind: "unverified"; readonly door: Door; readonly outcome: string }
  | {
      readonly kind: "limited";
      readonly limit: "app" | "refund-notification";
      readonly app?: number;
    };

/** Where messages of strangers arrive. */
export type Door = "app" | "notification" | "admin";

/** Counts. Never throws: what can't be counted is logged. */
export function count(metrics: AnalyticsEngineDataset, point: DataPoint): void {
  try {
    metrics.writeDataPoint(rowOf(point));
  } catch (error) {
    log("warn", "metric_not_written", { kind: point.kind, error: describe(error) });
  }
}

/**
 * The columns, alike for all kinds (docs/operation.md, "Metrics"). The index is what Analytics Engine
 * samples by: the rare kinds keep every point while the frequent ones are thinned out.
 */
function rowOf(point: DataPoint): AnalyticsEngineDataPoint {
  switch (point.kind) {
    case "request":
      return row(point.kind, point.endpoint, String(point.outcome), point.app, "", point);
    case "wechat_call":
      return row(point.kind, point.api, point.outcome, undefined, point.code ?? "", point);
    case "app_call":
      return row(point.kind, point.event, point.outcome, point.app, "", point);
    case "unverified":
      return row(point.kind, point.door, point.outcome, undefined, "", NOTHING_TIMED);
    case "limited":
      return row(point.kind, point.limit, "", point.app, "", NOTHING_TIMED);
  }
}

const NOTHING_TIMED = { tookMs: 0 };

function row(
  kind: DataPoint["kind"],
  subject: string,
  outcome: string,
  app: number | undefined,
  code: string,
  { tookMs, usage }: { readonly tookMs: number; readonly usage?: Usage },
): AnalyticsEngineDataPoint {
  return {
    indexes: [kind],
    blobs: [kind, subject, outcome, app === undefined ? "" : String(app), code],
    doubles: [tookMs, usage?.d1Trips ?? 0, usage?.d1Ms ?? 0, usage?.wechatMs ?? 0],
  };
}
