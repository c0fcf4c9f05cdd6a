import { Hono } from "hono";
import { connect } from "../db/database.ts";
import { getMerchant, insertMerchant, listMerchants, updateMerchant } from "../db/merchants.ts";
import { forgetSettings, masterKeyOf } from "../db/settings.ts";
import type { GatewayEnv } from "../hono-env.ts";
import { log } from "../log.ts";
import { conflict, notFound, refuse } from "./answers.ts";
import { readBody } from "./body.ts";
import { merchantChanges, newMerchant } from "./merchant-fields.ts";
import { pageOf, readPageQuery } from "./page.ts";

const ABSENT = notFound("There is no merchant with this id.");

/** `/admin/merchants`. Answers never hold the key, which the operator has from WeChat. */
export const merchantRoutes = new Hono<GatewayEnv>();

merchantRoutes.post("/", async (c) => {
  const body = await readBody(c.req.raw, newMerchant(c.env));
  if (!body.ok) return refuse(c, body.error);
  const masterKey = await masterKeyOf(c.get("config"));
  const made = await insertMerchant(connect(c.env.DB), masterKey, body.value, Date.now());
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
  const found = await listMerchants(connect(c.env.DB), cursor, limit + 1);
  return c.json(pageOf(found, limit));
});

merchantRoutes.get("/:id{[1-9][0-9]{0,14}}", async (c) => {
  const merchant = await getMerchant(connect(c.env.DB), Number(c.req.param("id")));
  return merchant === null ? refuse(c, ABSENT) : c.json(merchant);
});

merchantRoutes.patch("/:id{[1-9][0-9]{0,14}}", async (c) => {
  const body = await readBody(c.req.raw, merchantChanges(c.env));
  if (!body.ok) return refuse(c, body.error);
  const { mchId: _mchId, protocol: _protocol, ...changes } = body.value;
  const merchant = await updateMerchant(
    connect(c.env.DB),
    await masterKeyOf(c.get("config")),
    Number(c.req.param("id")),
    changes,
    Date.now(),
  );
  if (merchant === null) return refuse(c, ABSENT);
  // Here at once; other isolates see it within 60 s.
  forgetSettings();
  log("info", "merchant_changed", {
    requestId: c.get("requestId"),
    merchantId: merchant.id,
    fields: Object.keys(changes).join(","),
  });
  return c.json(merchant);
});
