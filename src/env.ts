import type { Config } from "./config.ts";
import type { Database } from "./db/database.ts";
import type { RequestMeter } from "./observability/request-meter.ts";

/** What every handler finds in its context: the bindings, the parsed configuration, the database. */
export interface GatewayEnv {
  Bindings: Env;
  Variables: {
    config: Config;
    /** Also in the answer's `X-Request-Id` and in every log line of the request. */
    requestId: string;
    /** What the request has cost so far. */
    meter: RequestMeter;
    /** D1; its trips are counted as the request's. */
    db: Database;
    /** For the log line, once known: the contract's code, the calling app, the order's number. */
    code?: number;
    appId?: number;
    order?: string;
    /** The limit that refused the request, if one did. */
    limited?: "app" | "hint";
    /** One of so many that couldn't be verified that it isn't worth a line of its own. */
    isNoise?: true;
  };
}
