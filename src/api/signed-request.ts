import type { Context } from "hono";
import { isCallback } from "../contract/callback/content.ts";
import { readParameters, type Parameters } from "../contract/parameters.ts";
import { parseCaller, verifySignature } from "../contract/signature.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { Database } from "../db/database.ts";
import { validSalts } from "../settings/settings.ts";
import type { AppSettings } from "../settings/unseal.ts";
import { badRequest, serverFault, type Refusal } from "../contract/refusal.ts";
import type { GatewayEnv } from "../env.ts";
import { readBody } from "../lib/read-body.ts";
import { callerAddress } from "../middleware/caller-address.ts";
import { admits } from "../middleware/rate-limit.ts";
import { count } from "../observability/metrics.ts";
import { recordUnverified } from "../middleware/unverified.ts";
import { addressRefusal, numberRefusal } from "./app-restrictions.ts";
import { oversizedRefusal } from "./oversized-value.ts";
import { requestSignatureRefusal, type Endpoint } from "./request-signature.ts";

/** A request with a verified signature; its other parameters are unchecked. */
export interface SignedRequest {
  readonly app: AppSettings;
  readonly parameters: Parameters;
  readonly db: Database;
}

/** A genuine request has a few hundred bytes. */
const MAX_BODY_BYTES = 16 * 1024;

/** Unknown apps are verified against this salt, so that the response takes the same time. */
const UNKNOWN_APP_SALT = "0".repeat(32);

/** The same response for both faults, so that nobody can find out which app ids exist. */
const BAD_SIGNATURE = badRequest("appId 不存在或 sign 签名错误");

/** Before any secret is looked up: the answer is the same for every app, and for none. */
const IS_CALLBACK = badRequest(
  "event 与 eventId 不能同时传：这是网关发给应用的回调，不能作为请求发回网关",
);

/** The limit is in wrangler.toml (`APP_LIMIT`). */
const TOO_MANY = serverFault("该应用的请求过于频繁（too many requests）。稍后重复本请求是安全的");

/**
 * Reads a request's parameters and verifies its signature (docs/integrate.md, "Signing"); where the
 * app's settings require it, the signature by RFC 9421 too.
 */
export async function readSignedRequest(
  c: Context<GatewayEnv>,
  endpoint: Endpoint,
): Promise<Result<SignedRequest, Refusal>> {
  const body = await readBody(c.req.raw, MAX_BODY_BYTES);
  if (!body.ok) return await refuseUnverified(c, body.error, badRequest(bodyFault(body.error)));
  const parameters = readParameters(c.req.header("content-type") ?? null, body.value);
  if (!parameters.ok) return await refuseUnverified(c, "malformed", parameters.error);
  if (isCallback(parameters.value)) return await refuseUnverified(c, "callback", IS_CALLBACK);
  const caller = parseCaller(parameters.value);
  if (!caller.ok) return await refuseUnverified(c, "malformed", caller.error);
  const oversized = oversizedRefusal(endpoint, parameters.value);
  if (oversized !== null) return await refuseUnverified(c, "malformed", oversized);
  const nowAt = Date.now();
  const { db, settings } = c.get("work");
  const { appId, sign } = caller.value;
  const app = await settings.app(appId, nowAt);
  if (!app.ok && app.error === "unreadable") {
    return err(serverFault("网关无法读取该应用的密钥，请联系网关运维；重复本请求是安全的"));
  }
  if (app.ok) {
    // First: a caller without a registered key can't use the contract's sign to try salts.
    const refusal = await requestSignatureRefusal(c, endpoint, app.value, body.value, nowAt);
    if (refusal !== null) return await refuseUnverified(c, "wrong signature", refusal);
  }
  const salts = app.ok ? validSalts(app.value, nowAt) : [UNKNOWN_APP_SALT];
  const verified = await verifySignature(parameters.value, sign, salts);
  if (!app.ok || !verified) return await refuseUnverified(c, "wrong signature", BAD_SIGNATURE);
  c.set("appId", appId);
  // After the signature: a stranger learns neither that the app exists nor where it is. Before the
  // limit: who replays its requests from elsewhere can't use that up. In the log it is a stranger too.
  const refusal = addressRefusal(app.value, callerAddress(c.req.raw));
  if (refusal !== null) return await refuseUnverified(c, "wrong address", refusal);
  if (!app.value.enabled) return err(badRequest("该 appId 已停用"));
  // After the verification: otherwise anyone who knows an app's id could exhaust its limit. For each
  // endpoint by itself: queries, which may be captured and replayed, must not starve payments.
  if (!admits(c.env.APP_LIMIT, `${appId} ${endpoint}`, nowAt)) {
    c.set("limited", "app");
    count(c.env.METRICS, { kind: "limited", limit: "app", app: appId });
    return err(TOO_MANY);
  }
  const missing = numberRefusal(endpoint, app.value, parameters.value);
  if (missing !== null) return err(missing);
  return ok({ app: app.value, parameters: parameters.value, db });
}

async function refuseUnverified(
  c: Context<GatewayEnv>,
  reason: string,
  refusal: Refusal,
): Promise<Result<never, Refusal>> {
  await recordUnverified(c, "app", reason);
  return err(refusal);
}

function bodyFault(fault: "too large" | "broken off"): string {
  switch (fault) {
    case "too large":
      return "请求体不得超过 16 KB";
    case "broken off":
      return "请求体不完整";
  }
}
