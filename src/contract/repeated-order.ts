import type { CreateOrderInput } from "./create-order.ts";
import { badRequest, withFaults, type Fault, type Refusal } from "./refusal.ts";

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
 * Compares a repeated request with the one that created the order. The refusal names the parameters
 * that differ; null when none does. Without `clientIp` the caller's address may change: WeChat still
 * gets the stored one.
 */
export function repeatRefusal(first: FirstRequest, repeated: CreateOrderInput): Refusal | null {
  const clientIp = repeated.clientIp ?? first.clientIp;
  const isSame = {
    openId: first.openId === repeated.openId,
    desc: first.desc === repeated.desc,
    totalFree: first.totalFen === repeated.totalFen,
    tag: first.tag === repeated.tag,
    attach: first.attach === repeated.attach,
    clientIp: first.clientIp === clientIp,
  };
  const differing = Object.entries(isSame).flatMap(([parameter, same]): Fault[] => {
    const detail = `${parameter} 与 appOrderNo 首次下单时不一致`;
    return same ? [] : [{ detail, reason: { fault: "differs", parameter } }];
  });
  const [fault, ...rest] = differing;
  return fault === undefined ? null : withFaults(badRequest(fault.detail, fault.reason), rest);
}
