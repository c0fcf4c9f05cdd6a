import { Hono, type Context } from "hono";
import { rotateSecret, type Rotatable, type Rotation } from "../db/apps-rotation.ts";
import { forgetSettings } from "../settings/settings.ts";
import { MAX_AGE_MS } from "../lib/ttl-cache.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { conflict, notFound, refuse, type AdminError } from "./errors.ts";
import { rotation } from "./app-schema.ts";
import { makeSalt, makeWebhookSecret } from "./app-secrets.ts";
import { readBody } from "./body.ts";

const ERRORS: Readonly<Record<"absent" | "unreadable" | "raced", AdminError>> = {
  absent: notFound("There is no app with this id."),
  unreadable: conflict(
    "The current secret can't be opened with this MASTER_KEY, so it can't be kept: restore the key, or rotate with overlapSeconds 0.",
  ),
  raced: conflict("Another rotation or a reseal came between. Nothing was changed by this one."),
};

/** `/admin/apps/:id/rotate-…`: replaces a secret of an app and shows the new one, this once. */
export const rotationRoutes = new Hono<GatewayEnv>();

rotationRoutes.post("/:id{[1-9][0-9]{0,14}}/rotate-salt", async (c) => {
  const salt = makeSalt();
  const rotated = await rotate(c, Number(c.req.param("id")), "salt", salt);
  if (!rotated.ok) return refuse(c, rotated.error);
  const { app, oldExpiresAt, earlierDropped } = rotated.value;
  return c.json({
    id: app.id,
    salt,
    oldSaltExpiresAt: oldExpiresAt,
    earlierSaltDropped: earlierDropped,
    knownEverywhereAt: app.updatedAt + MAX_AGE_MS,
  });
});

rotationRoutes.post("/:id{[1-9][0-9]{0,14}}/rotate-webhook-secret", async (c) => {
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
 * Until `knownEverywhereAt` an isolate may still know the old secret only: the app should not sign
 * with the new one before, and the old one is good until then even without an overlap.
 */
async function rotate(
  c: Context<GatewayEnv>,
  id: number,
  secret: Rotatable,
  fresh: string,
): Promise<Result<Rotation, AdminError>> {
  const body = await readBody(c.req.raw, rotation);
  if (!body.ok) return body;
  const rotated = await rotateSecret(
    c.get("work").db,
    await c.get("work").settings.masterKey(),
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
