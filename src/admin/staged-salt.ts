import { Hono } from "hono";
import { activateSalt, stageSalt } from "../db/apps-staged-salt.ts";
import type { GatewayEnv } from "../env.ts";
import { MAX_AGE_MS } from "../lib/ttl-cache.ts";
import { log } from "../observability/log.ts";
import { forgetSettings } from "../settings/settings.ts";
import { rotation, stagedSalt } from "./app-schema.ts";
import { makeSalt } from "./app-secrets.ts";
import { readBody } from "./body.ts";
import { conflict, notFound, refuse, validationFailed, type AdminError } from "./errors.ts";
import { BY_ID } from "./paths.ts";
import { sealingKey } from "./sealing-key.ts";

const ERRORS: Readonly<
  Record<"absent" | "current" | "not-staged" | "unreadable" | "raced", AdminError>
> = {
  absent: notFound("There is no app with this id."),
  current: validationFailed({ path: "salt", message: "must not be the app's current salt" }),
  "not-staged": conflict("No salt is staged. Stage one first: POST /admin/apps/:id/stage-salt."),
  unreadable: conflict(
    "A salt of the app can't be decrypted with this MASTER_KEY: restore the key, or call rotate-salt with overlapSeconds 0.",
  ),
  raced: conflict("A salt of the app was changed at the same time. Nothing was changed here."),
};

/**
 * `/admin/apps/:id/stage-salt` and `…/activate-salt`: a rotation in two steps, between which the app
 * learns the new salt before any callback is signed with it.
 */
export const stagedSaltRoutes = new Hono<GatewayEnv>();

stagedSaltRoutes.post(`${BY_ID}/stage-salt`, async (c) => {
  const id = Number(c.req.param("id"));
  const { db, config } = c.get("work");
  const body = await readBody(c.req.raw, stagedSalt(config));
  if (!body.ok) return refuse(c, body.error);
  const masterKey = await sealingKey(c);
  if (!masterKey.ok) return refuse(c, masterKey.error);
  const salt = body.value.salt ?? makeSalt();
  const staged = await stageSalt(db, masterKey.value, id, salt, Date.now());
  if (!staged.ok) return refuse(c, ERRORS[staged.error]);
  forgetSettings();
  const { app, stagedReplaced } = staged.value;
  log("info", "app_salt_staged", { requestId: c.get("requestId"), appId: id, stagedReplaced });
  return c.json({
    id,
    salt,
    stagedSaltReplaced: stagedReplaced,
    knownEverywhereAt: app.updatedAt + MAX_AGE_MS,
  });
});

stagedSaltRoutes.post(`${BY_ID}/activate-salt`, async (c) => {
  const id = Number(c.req.param("id"));
  const { db } = c.get("work");
  const body = await readBody(c.req.raw, rotation);
  if (!body.ok) return refuse(c, body.error);
  const { overlapSeconds } = body.value;
  const masterKey = await sealingKey(c, { table: "apps", id });
  if (!masterKey.ok) return refuse(c, masterKey.error);
  const activated = await activateSalt(db, masterKey.value, id, overlapSeconds * 1000, Date.now());
  if (!activated.ok) return refuse(c, ERRORS[activated.error]);
  forgetSettings();
  const { app, oldExpiresAt, earlierDropped } = activated.value;
  log("info", "app_salt_activated", {
    requestId: c.get("requestId"),
    appId: id,
    overlapSeconds,
    earlierDropped,
  });
  return c.json({
    id,
    oldSaltExpiresAt: oldExpiresAt,
    earlierSaltDropped: earlierDropped,
    knownEverywhereAt: app.updatedAt + MAX_AGE_MS,
  });
});
