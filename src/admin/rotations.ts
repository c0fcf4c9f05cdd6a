import { Hono, type Context } from "hono";
import { rotateSecret, type Rotatable, type Rotation } from "../db/apps-rotation.ts";
import { reseal } from "../db/reseal.ts";
import { forgetSettings } from "../settings/settings.ts";
import { MAX_AGE_MS } from "../lib/ttl-cache.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { conflict, notFound, refuse, type AdminError } from "./errors.ts";
import { rotation } from "./app-schema.ts";
import { makeSalt, makeWebhookSecret } from "./app-secrets.ts";
import { readBody } from "./body.ts";
import { BY_ID } from "./paths.ts";
import { sealingKey } from "./sealing-key.ts";

const ERRORS: Readonly<Record<"absent" | "unreadable" | "raced", AdminError>> = {
  absent: notFound("There is no app with this id."),
  unreadable: conflict(
    "The current secret can't be decrypted with this MASTER_KEY, so it can't stay valid: restore the key, or rotate with overlapSeconds 0.",
  ),
  raced: conflict("Another rotation or a reseal happened at the same time. Nothing was changed."),
};

/** `/admin/apps/:id/rotate-…`: replaces a secret of an app. Only this response shows the new one. */
export const rotationRoutes = new Hono<GatewayEnv>();

rotationRoutes.post(`${BY_ID}/rotate-salt`, async (c) => {
  const salt = makeSalt();
  const rotated = await rotate(c, Number(c.req.param("id")), "salt", salt);
  if (!rotated.ok) return refuse(c, rotated.error);
  const { app, oldExpiresAt, earlierDropped, stagedDropped } = rotated.value;
  return c.json({
    id: app.id,
    salt,
    oldSaltExpiresAt: oldExpiresAt,
    earlierSaltDropped: earlierDropped,
    stagedSaltDropped: stagedDropped,
    knownEverywhereAt: app.updatedAt + MAX_AGE_MS,
  });
});

rotationRoutes.post(`${BY_ID}/rotate-webhook-secret`, async (c) => {
  const webhookSecret = makeWebhookSecret();
  const rotated = await rotate(c, Number(c.req.param("id")), "webhookSecret", webhookSecret);
  if (!rotated.ok) return refuse(c, rotated.error);
  const { app, oldExpiresAt, earlierDropped } = rotated.value;
  return c.json({
    id: app.id,
    webhookSecret,
    oldWebhookSecretExpiresAt: oldExpiresAt,
    earlierWebhookSecretDropped: earlierDropped,
    knownEverywhereAt: app.updatedAt + MAX_AGE_MS,
  });
});

/**
 * Until `knownEverywhereAt` some isolates may know only the old secret: the app should not sign with
 * the new one before, and the old one works there even without an overlap.
 */
async function rotate(
  c: Context<GatewayEnv>,
  id: number,
  secret: Rotatable,
  fresh: string,
): Promise<Result<Rotation, AdminError>> {
  const body = await readBody(c.req.raw, rotation);
  if (!body.ok) return body;
  const masterKey = await sealingKey(c, { table: "apps", id });
  if (!masterKey.ok) return masterKey;
  const rotated = await rotateSecret(
    c.get("work").db,
    masterKey.value,
    id,
    secret,
    { fresh, overlapMs: body.value.overlapSeconds * 1000 },
    Date.now(),
  );
  if (!rotated.ok) return err(ERRORS[rotated.error]);
  forgetSettings();
  log("info", "app_secret_rotated", {
    requestId: c.get("requestId"),
    appId: id,
    secret,
    overlapSeconds: body.value.overlapSeconds,
    earlierDropped: rotated.value.earlierDropped,
  });
  return ok(rotated.value);
}

/**
 * `/admin/reseal`: after a change of the master key. To be repeated until nothing is left; then
 * MASTER_KEY_PREVIOUS can be removed.
 */
export const resealRoutes = new Hono<GatewayEnv>();

resealRoutes.post("/", async (c) => {
  const masterKey = await c.get("work").settings.masterKey();
  const { unreadable, ...rest } = await reseal(c.get("work").db, masterKey);
  // With the key's id: shortly after the change an isolate may still treat the old key as current,
  // and its "nothing left" would mean the opposite.
  const facts = { masterKeyId: masterKey.id, ...rest, unreadable: unreadable.length };
  log("info", "secrets_resealed", { requestId: c.get("requestId"), ...facts });
  return c.json({ ...facts, unreadableRows: unreadable });
});
