import type { CreateOrderInput } from "./create-order.ts";

/** What was stored of the first request under an app's own order number. */
export interface FirstRequest {
  readonly openId: string;
  readonly desc: string;
  readonly totalFen: number;
  readonly tag: string;
  readonly attach: string | null;
  readonly clientIp: string;
}

/**
 * The contract's name of the first parameter in which a repeated request differs from the one that
 * made the order, or null. A caller's address that isn't given explicitly may change; what WeChat
 * is told does not.
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
