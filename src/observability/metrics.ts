import { describe, log } from "./log.ts";
import type { Usage } from "./request-meter.ts";

/** A data point. Its fields have few values: never a secret, an openId or an order's number. */
export type DataPoint =
  | {
      readonly kind: "request";
      /** The registered route, with parameter names. */
      readonly endpoint: string;
      /** The contract's code; without one, the HTTP status. */
      readonly outcome: number;
      readonly app: number | undefined;
      readonly tookMs: number;
      readonly usage: Usage;
    }
  | {
      readonly kind: "wechat_call";
      readonly api: string;
      readonly outcome: string;
      /** WeChat's error code, for a refusal. */
      readonly code: string | undefined;
      readonly tookMs: number;
    }
  | {
      readonly kind: "app_call";
      readonly event: "pay" | "refund" | "close";
      readonly outcome: "confirmed" | "not confirmed" | "no answer";
      readonly app: number;
      readonly tookMs: number;
    }
  /** A message whose sender could not be verified. */
  | { readonly kind: "unverified"; readonly door: Door; readonly outcome: string }
  | {
      readonly kind: "limited";
      readonly limit: LimitName;
      readonly app?: number;
    };

/** The limits that refuse requests. */
export type LimitName =
  | "app"
  | "payment-notification"
  | "refund-notification"
  | "admin"
  /** Queries to WeChat that refund notifications cause, of one order or of one merchant. */
  | "order-queries"
  | "merchant-queries";

/** Where unverified messages arrive. */
export type Door = "app" | "notification" | "admin";

/** Writes a data point. Never throws: a failed write is logged. */
export function count(metrics: AnalyticsEngineDataset, point: DataPoint): void {
  try {
    metrics.writeDataPoint(rowOf(point));
  } catch (error) {
    log("warn", "metric_not_written", { kind: point.kind, error: describe(error) });
  }
}

/**
 * The columns, the same for all kinds (docs/operate.md, "Metrics"). Analytics Engine samples by the
 * index: rare kinds keep every point while frequent ones are sampled.
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
      return row(point.kind, point.door, point.outcome, undefined, "", NOT_TIMED);
    case "limited":
      return row(point.kind, point.limit, "", point.app, "", NOT_TIMED);
  }
}

const NOT_TIMED = { tookMs: 0 };

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
