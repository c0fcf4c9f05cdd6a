import type { Config } from "./config.ts";

/** What every handler finds in its context: the bindings, the parsed configuration, the request's id. */
export interface GatewayEnv {
  Bindings: Env;
  Variables: {
    config: Config;
    /** Also in the answer's `X-Request-Id` and in every log line of the request. */
    requestId: string;
    /** For the log line, once known: the contract's code, the calling app, the order's number. */
    code?: number;
    appId?: number;
    order?: string;
  };
}
