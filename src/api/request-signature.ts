import type { Context } from "hono";
import type { Parameters } from "../contract/parameters.ts";
import { badRequest, type Refusal } from "../contract/refusal.ts";
import { describeRequestSignatureFault } from "../contract/request-signature/fault.ts";
import type { RequestSignatureMode } from "../contract/request-signature/policy.ts";
import { verifyRequestSignature } from "../contract/request-signature/verify.ts";
import type { GatewayEnv } from "../env.ts";
import type { AppSettings } from "../settings/unseal.ts";

/** The endpoints that apps call. */
export type Endpoint = "create-order" | "refund-money" | "order";

/**
 * The app's own number, which a signed request must carry: the gateway keeps no nonces, so within the
 * signature's lifetime the number is what makes a replayed request a repeat.
 */
const NUMBERS: Readonly<Record<Endpoint, "appOrderNo" | "appRefundNo" | null>> = {
  "create-order": "appOrderNo",
  "refund-money": "appRefundNo",
  order: null,
};

/**
 * What is wrong with the request's signature by RFC 9421; null when it is right or isn't required.
 *
 * @param body as received
 */
export async function requestSignatureRefusal(
  c: Context<GatewayEnv>,
  endpoint: Endpoint,
  { requestSignature, requestKeys }: AppSettings,
  body: Uint8Array,
  nowAt: number,
): Promise<Refusal | null> {
  if (!isRequired(requestSignature, endpoint)) return null;
  const { method, headers, url } = c.req.raw;
  const { publicUrl } = c.get("work").config;
  const { pathname, search } = new URL(url);
  const request = { method, target: pathname + search, headers, publicUrl, body };
  const verified = await verifyRequestSignature(request, requestKeys, nowAt);
  if (verified.ok) return null;
  return badRequest(`请求签名（RFC 9421）：${describeRequestSignatureFault(verified.error)}`);
}

/** Refuses a request that must be signed and has no number of the app's own; null for any other. */
export function numberRefusal(
  endpoint: Endpoint,
  { requestSignature }: AppSettings,
  parameters: Parameters,
): Refusal | null {
  const name = NUMBERS[endpoint];
  if (name === null || !isRequired(requestSignature, endpoint)) return null;
  if ((parameters.get(name) ?? "") !== "") return null;
  return badRequest(`${name} 必传：该应用启用了请求签名`);
}

function isRequired(mode: RequestSignatureMode, endpoint: Endpoint): boolean {
  switch (mode) {
    case "off":
      return false;
    case "refunds":
      return endpoint === "refund-money";
    case "all":
      return true;
  }
}
