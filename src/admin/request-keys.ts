import { Hono } from "hono";
import { importRequestKey, type RequestKey } from "../contract/request-signature/request-key.ts";
import {
  deleteRequestKey,
  insertRequestKey,
  listRequestKeys,
  MAX_REQUEST_KEYS,
} from "../db/request-keys.ts";
import type { GatewayEnv } from "../env.ts";
import { randomHex32 } from "../lib/random.ts";
import { weaknessOfPublicKey } from "../lib/weak-secret.ts";
import { ok } from "../lib/result.ts";
import { log } from "../observability/log.ts";
import { forgetSettings } from "../settings/settings.ts";
import { newRequestKey } from "./app-schema.ts";
import { makeRequestSecret } from "./app-secrets.ts";
import { readBody } from "./body.ts";
import { conflict, notFound, refuse, validationFailed, type AdminError } from "./errors.ts";
import { BY_ID } from "./paths.ts";
import { sealingKey } from "./sealing-key.ts";

const APP_ABSENT = notFound("There is no app with this id.");
const KEY_ERROR = validationFailed({
  path: "publicKeyPem",
  message: "must be an Ed25519 public key, SPKI in PEM",
});
const INSERT_ERRORS: Readonly<Record<"absent" | "full", AdminError>> = {
  absent: APP_ABSENT,
  full: conflict(`The app has ${MAX_REQUEST_KEYS} request keys already: delete one first.`),
};
const DELETE_ERRORS: Readonly<Record<"absent" | "last", AdminError>> = {
  absent: notFound("The app has no request key with this id."),
  last: conflict(
    "This is the last request key of an app whose requests must be signed: add another key or set requestSignature to off first.",
  ),
};

/** `/admin/apps/:id/request-keys`. Only the answer that makes a secret shows it, never a later one. */
export const requestKeyRoutes = new Hono<GatewayEnv>();

requestKeyRoutes.post(`${BY_ID}/request-keys`, async (c) => {
  const body = await readBody(c.req.raw, newRequestKey);
  if (!body.ok) return refuse(c, body.error);
  const { algorithm, publicKeyPem } = body.value;
  const material = publicKeyPem ?? makeRequestSecret();
  const key: RequestKey = { keyId: randomHex32(), algorithm, material };
  if ((await importRequestKey(key)) === null) return refuse(c, KEY_ERROR);
  const { config, db, settings } = c.get("work");
  if (config.environment !== "development" && publicKeyPem !== undefined) {
    const message = weaknessOfPublicKey(publicKeyPem);
    if (message !== null) return refuse(c, validationFailed({ path: "publicKeyPem", message }));
  }
  // A public key isn't sealed.
  const masterKey =
    publicKeyPem === undefined ? await sealingKey(c) : ok(await settings.masterKey());
  if (!masterKey.ok) return refuse(c, masterKey.error);
  const appId = Number(c.req.param("id"));
  const made = await insertRequestKey(db, masterKey.value, appId, key, Date.now());
  if (!made.ok) return refuse(c, INSERT_ERRORS[made.error]);
  forgetSettings();
  log("info", "request_key_added", {
    requestId: c.get("requestId"),
    appId,
    keyId: key.keyId,
    algorithm,
  });
  return c.json({ ...made.value, ...(publicKeyPem === undefined && { secret: material }) }, 201);
});

requestKeyRoutes.get(`${BY_ID}/request-keys`, async (c) => {
  const items = await listRequestKeys(c.get("work").db, Number(c.req.param("id")));
  return items === null ? refuse(c, APP_ABSENT) : c.json({ items, nextCursor: null });
});

requestKeyRoutes.delete(`${BY_ID}/request-keys/:keyId{[0-9a-f]{32}}`, async (c) => {
  const { id, keyId } = c.req.param();
  const appId = Number(id);
  const deleted = await deleteRequestKey(c.get("work").db, appId, keyId);
  if (!deleted.ok) return refuse(c, DELETE_ERRORS[deleted.error]);
  // Here at once; other isolates accept the key for up to 60 s more.
  forgetSettings();
  log("info", "request_key_deleted", { requestId: c.get("requestId"), appId, keyId });
  return c.body(null, 204);
});
