import { createMiddleware } from "hono/factory";
import { readConfig } from "../config.ts";
import { failure } from "../core/contract/envelope.ts";
import { serverFault } from "../errors.ts";
import type { GatewayEnv } from "../hono-env.ts";
import { log } from "../log.ts";

/** Parses the environment at the door; without it nothing is served, and the answer names what is amiss. */
export const requireConfig = createMiddleware<GatewayEnv>(async function requireConfig(c, next) {
  const config = readConfig(c.env);
  if (!config.ok) {
    const faults = config.error.join("; ");
    log("error", "not_configured", { faults });
    return c.json(failure(serverFault(`网关配置不完整，拒绝服务：${faults}`)), 503);
  }
  c.set("config", config.value);
  return await next();
});
