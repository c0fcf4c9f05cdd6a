import { Hono, type Context } from "hono";
import { books } from "../books-stub.ts";
import type { Outcome } from "../ledger/books.ts";
import { FIRST_CERTIFICATE, PUBLIC_KEY, SECOND_CERTIFICATE } from "../sandbox-keys.ts";
import { readInput } from "./input.ts";
import * as schemas from "./merchant-schemas.ts";

/** The part of the control API that is about merchants and keys. */
export const merchantRoutes = new Hono<{ Bindings: Env }>();

/** What a merchant verifies the sandbox's APIv3 signatures with: public, so that anybody may ask. */
merchantRoutes.get("/keys", (c) =>
  c.json({
    certificates: [FIRST_CERTIFICATE, SECOND_CERTIFICATE].map((it) => ({
      serialNo: it.id,
      certificate: it.certificate,
      effectiveTime: it.effectiveTime,
      expireTime: it.expireTime,
    })),
    publicKey: { id: PUBLIC_KEY.id, publicKey: PUBLIC_KEY.publicKey },
  }),
);

merchantRoutes.post("/merchants", async (c) => {
  const input = await readInput(c, schemas.merchant);
  if (!input.ok) return input.response;
  const { mchId, appIds } = input.value;
  const outcome = await books(c.env).putMerchant(input.value);
  if (!outcome.ok) return c.json({ error: outcome.error }, outcome.status);
  return c.json({ mchId, appIds }, outcome.value.created ? 201 : 200);
});

merchantRoutes.patch("/merchants/:mchId", async (c) => {
  const input = await readInput(c, schemas.keyChange);
  if (!input.ok) return input.response;
  const mchId = c.req.param("mchId");
  return await merchantAfter(c, mchId, books(c.env).changeKeys(mchId, input.value));
});

merchantRoutes.post("/merchants/:mchId/keys", async (c) => {
  const input = await readInput(c, schemas.merchantKey);
  if (!input.ok) return input.response;
  const mchId = c.req.param("mchId");
  return await merchantAfter(c, mchId, books(c.env).addMerchantKey(mchId, input.value));
});

merchantRoutes.delete("/merchants/:mchId/keys/:serialNo", async (c) => {
  const { mchId, serialNo } = c.req.param();
  return await merchantAfter(c, mchId, books(c.env).dropMerchantKey(mchId, serialNo));
});

/** The merchant after something was changed, or why nothing was. */
async function merchantAfter(
  c: Context<{ Bindings: Env }>,
  mchId: string,
  change: Promise<Outcome<null>>,
): Promise<Response> {
  const outcome = await change;
  if (!outcome.ok) return c.json({ error: outcome.error }, outcome.status);
  const { merchants } = await books(c.env).state();
  return c.json(merchants.find((merchant) => merchant.mchId === mchId));
}
