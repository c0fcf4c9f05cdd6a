import type { CreateOrderInput } from "./create-order.ts";

/** The stored parameters of the first request with an app's order number. */
export interface FirstRequest {
  readonly openId: string;
  readonly desc: string;
  readonly totalFen: number;
  readonly tag: string;
  readonly attach: string | null;
  readonly clientIp: string;
}

/**
 * Compares a repeated request with the one that created the order. Returns the contract's name of
 * the first parameter that differs, or null. Without `clientIp` the caller's address may change:
 * WeChat still gets the stored one.
 */
export function differingParameter(first: FirstRequest, repeated: CreateOrderInput): string | null {
  if (first.openId !== repeated.openId) return "openId";
  if (first.desc !== repeated.desc) return "desc";
  if (first.totalFen !== repeated.totalFen) return "totalFree";
  if (first.tag !== repeated.tag) return "tag";
  if (first.attach !== repeated.attach) return "attach";
  if (repeated.clientIp !== null && first.clientIp !== repeated.clientIp) return "clientIp";
  return null;
}
