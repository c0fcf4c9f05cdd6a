import type { Context } from "hono";
import { isCallback } from "../contract/callback/content.ts";
import { readParameters, type Parameters } from "../contract/parameters.ts";
import { claimedAppOf, parseCaller, verifySignature } from "../contract/signature.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { Database } from "../db/database.ts";
import { validSalts } from "../settings/settings.ts";
import type { AppSettings } from "../settings/unseal.ts";
import { badRequest, serverFault, withFaults, type Refusal } from "../contract/refusal.ts";
import type { GatewayEnv } from "../env.ts";
import { readBody } from "../lib/read-body.ts";
import { callerAddress } from "../middleware/caller-address.ts";
import { admits } from "../middleware/rate-limit.ts";
import { count } from "../observability/metrics.ts";
import { recordUnverified } from "../middleware/unverified.ts";
import { addressRefusal, numberRefusal } from "./app-restrictions.ts";
import { furtherFaults, oversizedRefusal } from "./parameter-faults.ts";
import { requestSignatureRefusal, type Endpoint } from "./request-signature.ts";

/** A request with a verified signature; its other parameters are unchecked. */
export interface SignedRequest {
  readonly app: AppSettings;
  readonly parameters: Parameters;
  readonly db: Database;
}

/** A genuine request has a few hundred bytes. */
const MAX_BODY_BYTES = 16 * 1024;

/** Contract: the same answer for both faults; only the log tells them apart. App ids aren't secret. */
const BAD_SIGNATURE = "appId 不存在或 sign 签名错误";
const UNKNOWN_APP = badRequest(BAD_SIGNATURE, "unknown-app");
const WRONG_SIGN = badRequest(BAD_SIGNATURE, "wrong-sign");
const DISABLED_APP = badRequest("该 appId 已停用", "disabled-app");
const UNREADABLE_APP = serverFault(
  "网关无法读取该应用的密钥，请联系网关运维；重复本请求是安全的",
  "unreadable-secrets",
);

/** Before any secret is looked up: the answer is the same for every app, and for none. */
const IS_CALLBACK = badRequest(
  "event 与 eventId 不能同时传：这是网关发给应用的回调，不能作为请求发回网关",
  "is-callback",
);

const BODY_REFUSALS = {
  "too large": badRequest("请求体不得超过 16 KB", "body-too-large"),
  "broken off": badRequest("请求体不完整", "body-broken-off"),
} as const;

/** The limit is in wrangler.toml (`APP_LIMIT`). */
const TOO_MANY = serverFault(
  "该应用的请求过于频繁（too many requests）。稍后重复本请求是安全的",
  "over-app-limit",
);

/**
 * Reads a request's parameters and verifies its signature (docs/integrate.md, "Signing"); where the
 * app's settings require it, the signature by RFC 9421 too.
 */
export async function readSignedRequest(
  c: Context<GatewayEnv>,
  endpoint: Endpoint,
): Promise<Result<SignedRequest, Refusal>> {
  const body = await readBody(c.req.raw, MAX_BODY_BYTES);
  if (!body.ok) return await refuseUnverified(c, body.error, BODY_REFUSALS[body.error]);
  const parameters = readParameters(c.req.header("content-type") ?? null, body.value);
  if (!parameters.ok) return await refuseUnverified(c, "malformed", parameters.error);
  if (isCallback(parameters.value)) return await refuseUnverified(c, "callback", IS_CALLBACK);
  const caller = parseCaller(parameters.value);
  if (!caller.ok) {
    const refusal = withFaults(caller.error, furtherFaults(endpoint, parameters.value));
    return await refuseUnverified(c, "malformed", refusal, claimedAppOf(parameters.value));
  }
  const oversized = oversizedRefusal(endpoint, parameters.value);
  const { appId, sign } = caller.value;
  if (oversized !== null) return await refuseUnverified(c, "malformed", oversized, appId);
  const nowAt = Date.now();
  const { db, settings } = c.get("work");
  const app = await settings.app(appId, nowAt);
  if (!app.ok) {
    switch (app.error) {
      case "absent":
        return await refuseUnverified(c, "wrong signature", UNKNOWN_APP, appId);
      case "unreadable":
        c.set("claimedApp", appId);
        return err(UNREADABLE_APP);
    }
  }
  // First: a caller without a registered key can't use the contract's sign to try salts.
  const unsigned = await requestSignatureRefusal(c, endpoint, app.value, body.value, nowAt);
  if (unsigned !== null) return await refuseUnverified(c, "wrong signature", unsigned, appId);
  if (!(await verifySignature(parameters.value, sign, validSalts(app.value, nowAt)))) {
    return await refuseUnverified(c, "wrong signature", WRONG_SIGN, appId);
  }
  c.set("appId", appId);
  // After the signature: only the app learns about its restriction. Before the limit: who replays its
  // requests from elsewhere can't use that up. In the log it is a stranger too.
  const refusal = addressRefusal(app.value, callerAddress(c.req.raw));
  if (refusal !== null) return await refuseUnverified(c, "wrong address", refusal, appId);
  if (!app.value.enabled) {
    c.set("claimedApp", appId);
    return err(DISABLED_APP);
  }
  // After the verification: otherwise anyone who knows an app's id could exhaust its limit. For each
  // endpoint by itself: queries, which may be captured and replayed, must not starve payments.
  if (!admits(c.env.APP_LIMIT, `${appId} ${endpoint}`, nowAt)) {
    c.set("limited", "app");
    count(c.env.METRICS, { kind: "limited", limit: "app", app: appId });
    return err(TOO_MANY);
  }
  const missing = numberRefusal(endpoint, app.value, parameters.value);
  if (missing !== null) {
    return err(withFaults(missing, furtherFaults(endpoint, parameters.value)));
  }
  return ok({ app: app.value, parameters: parameters.value, db });
}

/** @param claimedApp for the log; null when the request names none */
async function refuseUnverified(
  c: Context<GatewayEnv>,
  outcome: string,
  refusal: Refusal,
  claimedApp: number | null = null,
): Promise<Result<never, Refusal>> {
  if (claimedApp !== null) c.set("claimedApp", claimedApp);
  await recordUnverified(c, "app", outcome);
  return err(refusal);
}
