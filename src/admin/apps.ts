import { Hono } from "hono";
import { getApp, insertApp, listApps, updateApp } from "../db/apps.ts";
import type { Database } from "../db/database.ts";
import { getMerchant } from "../db/merchants.ts";
import { forgetSettings } from "../settings/settings.ts";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { invalid, notFound, refuse, type AdminError } from "./errors.ts";
import { appChanges, newApp } from "./app-schema.ts";
import { makeSalt, makeWebhookSecret } from "./app-secrets.ts";
import { readBody } from "./body.ts";
import { pageOf, readPageQuery } from "./page.ts";

const ABSENT = notFound("There is no app with this id.");

/** `/admin/apps`. Only the answer that makes a secret shows it, never a later one. */
export const appRoutes = new Hono<GatewayEnv>();

appRoutes.post("/", async (c) => {
  const body = await readBody(c.req.raw, newApp(c.get("work").config.environment));
  if (!body.ok) return refuse(c, body.error);
  const db = c.get("work").db;
  const fault = await merchantFault(db, body.value.merchantId);
  if (fault !== null) return refuse(c, fault);
  const secrets = { salt: body.value.salt ?? makeSalt(), webhookSecret: makeWebhookSecret() };
  const masterKey = await c.get("work").settings.masterKey();
  const app = await insertApp(db, masterKey, { ...body.value, ...secrets }, Date.now());
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

appRoutes.get("/:id{[1-9][0-9]{0,14}}", async (c) => {
  const app = await getApp(c.get("work").db, Number(c.req.param("id")));
  return app === null ? refuse(c, ABSENT) : c.json(app);
});

appRoutes.patch("/:id{[1-9][0-9]{0,14}}", async (c) => {
  const body = await readBody(c.req.raw, appChanges(c.get("work").config.environment));
  if (!body.ok) return refuse(c, body.error);
  const db = c.get("work").db;
  const fault = await merchantFault(db, body.value.merchantId);
  if (fault !== null) return refuse(c, fault);
  const app = await updateApp(db, Number(c.req.param("id")), body.value, Date.now());
  if (app === null) return refuse(c, await unchangedFault(db, Number(c.req.param("id"))));
  // Here at once; other isolates see it within 60 s: until then a disabled app is served there.
  forgetSettings();
  log("info", "app_changed", {
    requestId: c.get("requestId"),
    appId: app.id,
    fields: Object.keys(body.value).join(","),
  });
  return c.json(app);
});

/** Why a change was not made. */
async function unchangedFault(db: Database, id: number): Promise<AdminError> {
  if ((await getApp(db, id)) === null) return ABSENT;
  const message = "requires a request key: add one to the app first";
  return invalid("Validation failed.", [{ path: "requestSignature", message }]);
}

/** Null when the merchant exists or none is named. Merchants are never deleted: the answer lasts. */
async function merchantFault(
  db: Database,
  merchantId: number | undefined,
): Promise<AdminError | null> {
  if (merchantId === undefined || (await getMerchant(db, merchantId)) !== null) return null;
  const fault = { path: "merchantId", message: "is no merchant's id" };
  return invalid("Some fields are at fault.", [fault]);
}
