import { Hono, type Context } from "hono";
import type { ControlResult } from "../ledger/control-result.ts";
import { ledgerStub } from "../ledger-stub.ts";
import { FIRST_CERTIFICATE, PUBLIC_KEY, SECOND_CERTIFICATE } from "../sandbox-keys.ts";
import { readInput } from "./input.ts";
import * as schemas from "./merchant-schemas.ts";

/** The routes of the control API for merchants and keys. */
export const merchantRoutes = new Hono<{ Bindings: Env }>();

/** The public keys that verify the sandbox's APIv3 signatures. */
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
  if (!input.ok) return input.error;
  const { mchId, appIds } = input.value;
  const outcome = await ledgerStub(c.env).putMerchant(input.value);
  if (!outcome.ok) return c.json({ error: outcome.error.message }, outcome.error.status);
  return c.json({ mchId, appIds }, outcome.value.created ? 201 : 200);
});

merchantRoutes.patch("/merchants/:mchId", async (c) => {
  const input = await readInput(c, schemas.keyChange);
  if (!input.ok) return input.error;
  const mchId = c.req.param("mchId");
  return await respondMerchant(c, mchId, ledgerStub(c.env).changeKeys(mchId, input.value));
});

merchantRoutes.post("/merchants/:mchId/keys", async (c) => {
  const input = await readInput(c, schemas.merchantKey);
  if (!input.ok) return input.error;
  const mchId = c.req.param("mchId");
  return await respondMerchant(c, mchId, ledgerStub(c.env).addMerchantKey(mchId, input.value));
});

merchantRoutes.delete("/merchants/:mchId/keys/:serialNo", async (c) => {
  const { mchId, serialNo } = c.req.param();
  return await respondMerchant(c, mchId, ledgerStub(c.env).dropMerchantKey(mchId, serialNo));
});

/** Responds with the merchant after a change, or with the reason for its refusal. */
async function respondMerchant(
  c: Context<{ Bindings: Env }>,
  mchId: string,
  change: Promise<ControlResult<null>>,
): Promise<Response> {
  const outcome = await change;
  if (!outcome.ok) return c.json({ error: outcome.error.message }, outcome.error.status);
  const { merchants } = await ledgerStub(c.env).state();
  return c.json(merchants.find((merchant) => merchant.mchId === mchId));
}
