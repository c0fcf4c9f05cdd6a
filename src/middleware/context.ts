import { createMiddleware } from "hono/factory";
import { configOf } from "../config.ts";
import { serverFault } from "../contract/refusal.ts";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { openWork } from "../settings/work-context.ts";
import { respondWithFault } from "./respond.ts";

/**
 * Parses the environment and opens the request's database and settings. With an invalid environment
 * every request is refused, and the response names the faults.
 */
export const openWorkContext = createMiddleware<GatewayEnv>(
  async function openWorkContext(c, next) {
    const config = configOf(c.env);
    if (!config.ok) {
      const faults = config.error.join("; ");
      log("error", "not_configured", { requestId: c.get("requestId"), faults });
      if (/^\/health\/?$/.test(c.req.path)) return c.json({ ok: false, faults: config.error }, 503);
      return respondWithFault(
        c,
        serverFault(
          `网关配置不完整，拒绝服务：${faults}。重复本请求是安全的，但在修正之前结果不变`,
          "not-configured",
        ),
      );
    }
    c.set("work", openWork(c.env, config.value, c.get("meter")));
    return await next();
  },
);
