import type { Context } from "hono";
import { badRequest, type Refusal } from "../contract/refusal.ts";
import { describeRequestSignatureFault } from "../contract/request-signature/fault.ts";
import type { RequestSignatureMode } from "../contract/request-signature/policy.ts";
import { verifyRequestSignature } from "../contract/request-signature/verify.ts";
import type { GatewayEnv } from "../env.ts";
import type { AppSettings } from "../settings/unseal.ts";

/** The endpoints that apps call. */
export type Endpoint = "create-order" | "close-order" | "refund-money" | "order";

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
  if (!mustBeSigned(requestSignature, endpoint)) return null;
  const { method, headers, url } = c.req.raw;
  const { publicUrl } = c.get("work").config;
  const { pathname, search } = new URL(url);
  const request = { method, target: pathname + search, headers, publicUrl, body };
  const verified = await verifyRequestSignature(request, requestKeys, nowAt);
  if (verified.ok) return null;
  const detail = `请求签名（RFC 9421）：${describeRequestSignatureFault(verified.error)}`;
  return badRequest(detail, { fault: "request-signature", step: verified.error.kind });
}

/** Whether a request to this endpoint must be signed by RFC 9421. */
export function mustBeSigned(mode: RequestSignatureMode, endpoint: Endpoint): boolean {
  switch (mode) {
    case "off":
      return false;
    case "refunds":
      return endpoint === "refund-money";
    case "all":
      return true;
  }
}
