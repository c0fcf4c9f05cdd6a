import type { LimitName } from "./observability/metrics.ts";
import type { RequestMeter } from "./observability/request-meter.ts";
import type { WorkContext } from "./settings/work-context.ts";

/** The context of every handler. */
export interface GatewayEnv {
  Bindings: Env;
  Variables: {
    /** Also in the response's `X-Request-Id` and in every log line of the request. */
    requestId: string;
    meter: RequestMeter;
    /** The configuration, the database and the settings of this request. */
    work: WorkContext;
    /** For the log line, once known: the contract's code, the calling app, the order's number. */
    code?: number;
    /** Why the request is refused (contract/refusal.ts). */
    reason?: string;
    /** The app that a refused request claims to come from, while this isn't verified or not allowed. */
    claimedApp?: number;
    appId?: number;
    order?: string;
    /** The limit that refused the request. */
    limited?: LimitName;
    /** Part of a flood of unverified requests: gets no log line of its own. */
    isNoise?: true;
  };
}
