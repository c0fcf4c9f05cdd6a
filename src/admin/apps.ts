import { Hono } from "hono";
import { getApp, insertApp, listApps, updateApp } from "../db/apps.ts";
import type { Database } from "../db/database.ts";
import { getMerchant } from "../db/merchants.ts";
import { forgetSettings } from "../settings/settings.ts";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { notFound, refuse, validationFailed, type AdminError } from "./errors.ts";
import { appChanges, newApp } from "./app-schema.ts";
import { makeSalt, makeWebhookSecret } from "./app-secrets.ts";
import { readBody } from "./body.ts";
import { pageOf, readPageQuery } from "./page.ts";
import { BY_ID } from "./paths.ts";
import { sealingKey } from "./sealing-key.ts";

const ABSENT = notFound("There is no app with this id.");
const NO_SUCH_MERCHANT = validationFailed({
  path: "merchantId",
  message: "no merchant has this id",
});

/** `/admin/apps`. A secret is shown only in the response that creates it. */
export const appRoutes = new Hono<GatewayEnv>();

appRoutes.post("/", async (c) => {
  const body = await readBody(c.req.raw, newApp(c.get("work").config));
  if (!body.ok) return refuse(c, body.error);
  const db = c.get("work").db;
  const error = await checkMerchant(db, body.value.merchantId);
  if (error !== null) return refuse(c, error);
  const masterKey = await sealingKey(c);
  if (!masterKey.ok) return refuse(c, masterKey.error);
  const secrets = { salt: body.value.salt ?? makeSalt(), webhookSecret: makeWebhookSecret() };
  const app = await insertApp(db, masterKey.value, { ...body.value, ...secrets }, Date.now());
  forgetSettings();
  log("info", "app_created", { requestId: c.get("requestId"), appId: app.id });
  return c.json({ ...app, ...secrets }, 201);
});

appRoutes.get("/", async (c) => {
  const page = readPageQuery(c.req.query());
  if (!page.ok) return refuse(c, page.error);
  const { cursor, limit } = page.value;
  const found = await listApps(c.get("work").db, cursor, limit + 1);
  return c.json(pageOf(found, limit));
});

appRoutes.get(BY_ID, async (c) => {
  const app = await getApp(c.get("work").db, Number(c.req.param("id")));
  return app === null ? refuse(c, ABSENT) : c.json(app);
});

appRoutes.patch(BY_ID, async (c) => {
  const body = await readBody(c.req.raw, appChanges(c.get("work").config));
  if (!body.ok) return refuse(c, body.error);
  const db = c.get("work").db;
  const error = await checkMerchant(db, body.value.merchantId);
  if (error !== null) return refuse(c, error);
  const app = await updateApp(db, Number(c.req.param("id")), body.value, Date.now());
  if (app === null) return refuse(c, await explainUnchanged(db, Number(c.req.param("id"))));
  // Takes effect here at once and in other isolates within 60 s: until then they serve a disabled app.
  forgetSettings();
  log("info", "app_changed", {
    requestId: c.get("requestId"),
    appId: app.id,
    fields: Object.keys(body.value).join(","),
  });
  return c.json(app);
});

/** Why a change was not made: no such app, or no key for the signatures that it would require. */
async function explainUnchanged(db: Database, id: number): Promise<AdminError> {
  if ((await getApp(db, id)) === null) return ABSENT;
  const message = "requires a request key: add one to the app first";
  return validationFailed({ path: "requestSignature", message });
}

/**
 * Null when the merchant exists or the request names none. Merchants are never deleted, so the
 * result stays true.
 */
async function checkMerchant(
  db: Database,
  merchantId: number | undefined,
): Promise<AdminError | null> {
  if (merchantId === undefined || (await getMerchant(db, merchantId)) !== null) return null;
  return NO_SUCH_MERCHANT;
}
