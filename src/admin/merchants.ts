import { Hono } from "hono";
import {
  getMerchant,
  insertMerchant,
  listMerchants,
  updateMerchant,
  type MerchantRecord,
} from "../db/merchants.ts";
import { forgetSettings } from "../settings/settings.ts";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import type { V2SignType } from "../wechat/types.ts";
import { conflict, invalid, notFound, refuse, type FieldFault } from "./errors.ts";
import { readBody } from "./body.ts";
import { credentialsOf, verifyCredentials } from "./verify-credentials.ts";
import { merchantChanges, missingCredentials, newMerchant } from "./merchant-schema.ts";
import { pageOf, readPageQuery } from "./page.ts";

const ABSENT = notFound("There is no merchant with this id.");

const atFault = (...fields: FieldFault[]) => invalid("Some fields are at fault.", fields);

/** `/admin/merchants`. Answers never hold a key, which the operator has from WeChat. */
export const merchantRoutes = new Hono<GatewayEnv>();

merchantRoutes.post("/", async (c) => {
  const body = await readBody(c.req.raw, newMerchant(c.env));
  if (!body.ok) return refuse(c, body.error);
  const { droppedVerifyKeys: _none, ...merchant } = withV2Defaults(body.value, null);
  const tried = await verifyCredentials(c, merchant.mchId, null, merchant);
  if (!tried.ok) return refuse(c, atFault(tried.error));
  const made = await insertMerchant(
    c.get("work").db,
    await c.get("work").settings.masterKey(),
    { ...merchant, verifyKeys: [...(merchant.verifyKeys ?? []), ...tried.value] },
    Date.now(),
  );
  if (!made.ok) {
    const fault = { path: "mchId", message: "is registered already" };
    return refuse(c, conflict("There is a merchant with this number already.", [fault]));
  }
  forgetSettings();
  log("info", "merchant_created", { requestId: c.get("requestId"), merchantId: made.value.id });
  return c.json(made.value, 201);
});

merchantRoutes.get("/", async (c) => {
  const page = readPageQuery(c.req.query());
  if (!page.ok) return refuse(c, page.error);
  const { cursor, limit } = page.value;
  const found = await listMerchants(c.get("work").db, cursor, limit + 1);
  return c.json(pageOf(found, limit));
});

merchantRoutes.get("/:id{[1-9][0-9]{0,14}}", async (c) => {
  const merchant = await getMerchant(c.get("work").db, Number(c.req.param("id")));
  return merchant === null ? refuse(c, ABSENT) : c.json(merchant);
});

merchantRoutes.patch("/:id{[1-9][0-9]{0,14}}", async (c) => {
  const body = await readBody(c.req.raw, merchantChanges(c.env));
  if (!body.ok) return refuse(c, body.error);
  const db = c.get("work").db;
  const stored = await getMerchant(db, Number(c.req.param("id")));
  if (stored === null) return refuse(c, ABSENT);
  const { mchId: _mchId, ...changes } = withV2Defaults(body.value, stored);
  const protocol = changes.protocol ?? stored.protocol;
  const missing = missingCredentials(protocol, changes, credentialsOf(stored));
  if (missing.length > 0) {
    return refuse(c, atFault(...missing.map((path) => ({ path, message: "is required" }))));
  }
  const tried = await verifyCredentials(c, stored.mchId, stored, changes);
  if (!tried.ok) return refuse(c, atFault(tried.error));
  const merchant = await updateMerchant(
    db,
    await c.get("work").settings.masterKey(),
    stored.id,
    { ...changes, verifyKeys: [...(changes.verifyKeys ?? []), ...tried.value] },
    Date.now(),
  );
  if (merchant === null) return refuse(c, ABSENT);
  // Here at once; other isolates see it within 60 s.
  forgetSettings();
  log("info", "merchant_changed", {
    requestId: c.get("requestId"),
    merchantId: merchant.id,
    fields: namesIn(changes),
  });
  return c.json(merchant);
});

/** APIv2's key comes with WeChat's default for the signature, unless there is one already. */
function withV2Defaults<
  T extends { readonly apiKey?: string | undefined; readonly signType?: V2SignType | undefined },
>(values: T, stored: MerchantRecord | null): T {
  const signed = values.apiKey === undefined || (stored?.signType ?? null) !== null;
  return signed || values.signType !== undefined ? values : { ...values, signType: "MD5" };
}

/** The names of the values that are given. */
function namesIn(values: object): string {
  const named = Object.entries(values).filter(([, value]) => value !== undefined);
  return named.map(([name]) => name).join(",");
}
