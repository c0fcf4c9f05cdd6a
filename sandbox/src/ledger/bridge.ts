import { sign, signMatches } from "../protocol/sign.ts";
import type { Books } from "./books.ts";
import { prepayGivenAt, type Order } from "./orders.ts";

/** What a page hands to `getBrandWCPayRequest`, names and types to the letter. */
export interface Bridge {
  appId: string;
  /** Seconds, as text. */
  timeStamp: string;
  nonceStr: string;
  package: string;
  signType: string;
  paySign: string;
}

// WeChat docs: a prepay_id lives 2 hours.
const PREPAY_LIFE_MS = 2 * 60 * 60 * 1000;

/**
 * Why WeChat's client would not open the payment, or undefined when it would: the appid and sign
 * type must be the order's, the prepay_id one of its own and not too old, and `paySign` the sign of
 * exactly these five fields. WeChat docs: JSAPI, "getBrandWCPayRequest".
 */
export function bridgeFault(
  { sql, now }: Books,
  order: Order,
  bridge: Bridge,
  apiKey: string,
): string | undefined {
  if (bridge.appId !== order.appId) return "bridge: appId is not the order's";
  if (!/^\d{10}$/.test(bridge.timeStamp)) return "bridge: timeStamp is not 10 digits";
  if (!/^[0-9A-Za-z]{1,32}$/.test(bridge.nonceStr)) return "bridge: nonceStr is malformed";
  if (bridge.signType !== order.signType) return "bridge: signType is not the order's sign_type";
  const prepayId = /^prepay_id=(.+)$/.exec(bridge.package)?.[1];
  if (prepayId === undefined) return "bridge: package is not prepay_id=…";
  const givenAt = prepayGivenAt(sql, order, prepayId);
  if (givenAt === undefined) return "bridge: the prepay_id is not this order's";
  if (now - givenAt > PREPAY_LIFE_MS) return "bridge: the prepay_id is older than 2 hours";
  return signMatches(bridge.paySign, bridgeFields(bridge), apiKey, order.signType)
    ? undefined
    : "bridge: paySign is wrong";
}

/** The `paySign` that belongs to a bridge object: stands here for tests. */
export function signBridge(
  bridge: Omit<Bridge, "paySign">,
  apiKey: string,
  signType: Order["signType"],
): Bridge {
  return { ...bridge, paySign: sign(bridgeFields(bridge), apiKey, signType) };
}

function bridgeFields(bridge: Omit<Bridge, "paySign">): [string, string][] {
  return [
    ["appId", bridge.appId],
    ["timeStamp", bridge.timeStamp],
    ["nonceStr", bridge.nonceStr],
    ["package", bridge.package],
    ["signType", bridge.signType],
  ];
}
