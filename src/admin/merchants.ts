import { Hono } from "hono";
import {
  getMerchant,
  insertMerchant,
  listMerchants,
  updateMerchant,
  type MerchantChanges,
  type MerchantRecord,
} from "../db/merchants.ts";
import { ok } from "../lib/result.ts";
import { forgetSettings } from "../settings/settings.ts";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import type { V2SignType } from "../wechat/types.ts";
import { conflict, notFound, refuse, validationFailed } from "./errors.ts";
import { readBody } from "./body.ts";
import { BY_ID } from "./paths.ts";
import { sealingKey } from "./sealing-key.ts";
import { credentialsOf, verifyCredentials } from "./verify-credentials.ts";
import { merchantChanges, missingCredentials, newMerchant } from "./merchant-schema.ts";
import { pageOf, readPageQuery } from "./page.ts";

const ABSENT = notFound("There is no merchant with this id.");

/** `/admin/merchants`. Responses never contain keys: the operator has them from WeChat. */
export const merchantRoutes = new Hono<GatewayEnv>();

merchantRoutes.post("/", async (c) => {
  const body = await readBody(c.req.raw, newMerchant(c.env, c.get("work").config.environment));
  if (!body.ok) return refuse(c, body.error);
  const masterKey = await sealingKey(c);
  if (!masterKey.ok) return refuse(c, masterKey.error);
  const { droppedVerifyKeys: _none, ...merchant } = withV2Defaults(body.value, null);
  const verified = await verifyCredentials(c, merchant.mchId, null, merchant);
  if (!verified.ok) return refuse(c, validationFailed(verified.error));
  const inserted = await insertMerchant(
    c.get("work").db,
    masterKey.value,
    { ...merchant, verifyKeys: [...(merchant.verifyKeys ?? []), ...verified.value] },
    Date.now(),
  );
  if (!inserted.ok) {
    const fault = { path: "mchId", message: "is already registered" };
    return refuse(c, conflict("A merchant with this number is already registered.", [fault]));
  }
  forgetSettings();
  log("info", "merchant_created", {
    requestId: c.get("requestId"),
    merchantId: inserted.value.id,
  });
  return c.json(inserted.value, 201);
});

merchantRoutes.get("/", async (c) => {
  const page = readPageQuery(c.req.query());
  if (!page.ok) return refuse(c, page.error);
  const { cursor, limit } = page.value;
  const found = await listMerchants(c.get("work").db, cursor, limit + 1);
  return c.json(pageOf(found, limit));
});

merchantRoutes.get(BY_ID, async (c) => {
  const merchant = await getMerchant(c.get("work").db, Number(c.req.param("id")));
  return merchant === null ? refuse(c, ABSENT) : c.json(merchant);
});

merchantRoutes.patch(BY_ID, async (c) => {
  const body = await readBody(c.req.raw, merchantChanges(c.env, c.get("work").config.environment));
  if (!body.ok) return refuse(c, body.error);
  const db = c.get("work").db;
  const stored = await getMerchant(db, Number(c.req.param("id")));
  if (stored === null) return refuse(c, ABSENT);
  const { mchId: _mchId, ...changes } = withV2Defaults(body.value, stored);
  const protocol = changes.protocol ?? stored.protocol;
  const missing = missingCredentials(protocol, changes, credentialsOf(stored));
  if (missing.length > 0) {
    const faults = missing.map((path) => ({ path, message: "is required" }));
    return refuse(c, validationFailed(...faults));
  }
  const masterKey = hasSecret(changes)
    ? await sealingKey(c, { table: "merchants", id: stored.id })
    : ok(await c.get("work").settings.masterKey());
  if (!masterKey.ok) return refuse(c, masterKey.error);
  const verified = await verifyCredentials(c, stored.mchId, stored, changes);
  if (!verified.ok) return refuse(c, validationFailed(verified.error));
  const merchant = await updateMerchant(
    db,
    masterKey.value,
    stored.id,
    { ...changes, verifyKeys: [...(changes.verifyKeys ?? []), ...verified.value] },
    Date.now(),
  );
  if (merchant === null) return refuse(c, ABSENT);
  // Takes effect here at once and in other isolates within 60 s.
  forgetSettings();
  log("info", "merchant_changed", {
    requestId: c.get("requestId"),
    merchantId: merchant.id,
    fields: namesIn(changes),
  });
  return c.json(merchant);
});

/** Adds WeChat's default sign type to a new APIv2 key, unless the merchant has a sign type already. */
function withV2Defaults<
  T extends { readonly apiKey?: string | undefined; readonly signType?: V2SignType | undefined },
>(values: T, stored: MerchantRecord | null): T {
  const signed = values.apiKey === undefined || (stored?.signType ?? null) !== null;
  return signed || values.signType !== undefined ? values : { ...values, signType: "MD5" };
}

/** Whether one of the fields is stored encrypted. */
function hasSecret({ apiKey, apiV3Key, merchantPrivateKey }: MerchantChanges): boolean {
  return [apiKey, apiV3Key, merchantPrivateKey].some((secret) => secret !== undefined);
}

/** The names of the fields that have a value. */
function namesIn(values: object): string {
  const present = Object.entries(values).filter(([, value]) => value !== undefined);
  return present.map(([name]) => name).join(",");
}
