import type { Books } from "../ledger/books.ts";
import type { Merchant } from "../ledger/merchants.ts";
import { findPrepay, type Order, type Prepay } from "../ledger/orders.ts";
import { sign, signMatches, type SignType } from "../v2/sign.ts";
import { bridgeMessage, signatureMatches, signMessage } from "../v3/signature.ts";

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
 * exactly these five fields; with RSA of the first four, by the same key of the merchant as the call
 * that got the prepay_id. WeChat docs: JSAPI, "getBrandWCPayRequest".
 */
export function bridgeFault(
  { sql, now }: Books,
  order: Order,
  bridge: Bridge,
  merchant: Merchant,
): string | undefined {
  if (bridge.appId !== order.appId) return "bridge: appId is not the order's";
  if (!/^\d{10}$/.test(bridge.timeStamp)) return "bridge: timeStamp is not 10 digits";
  if (!/^[0-9A-Za-z]{1,32}$/.test(bridge.nonceStr)) return "bridge: nonceStr is malformed";
  if (bridge.signType !== order.signType) return "bridge: signType is not the order's sign_type";
  const prepayId = /^prepay_id=(.+)$/.exec(bridge.package)?.[1];
  if (prepayId === undefined) return "bridge: package is not prepay_id=…";
  const prepay = findPrepay(sql, order, prepayId);
  if (prepay === undefined) return "bridge: the prepay_id is not this order's";
  if (now - prepay.givenAt > PREPAY_LIFE_MS) return "bridge: the prepay_id is older than 2 hours";
  return paySignMatches(bridge, order, prepay, merchant) ? undefined : "bridge: paySign is wrong";
}

function paySignMatches(
  bridge: Bridge,
  { signType }: Order,
  { serialNo }: Prepay,
  { apiKey, keys }: Merchant,
): boolean {
  if (signType !== "RSA") return signMatches(bridge.paySign, fields(bridge), apiKey, signType);
  const key = keys.find((it) => it.serialNo === serialNo);
  return key !== undefined && signatureMatches(bridge.paySign, rsaMessage(bridge), key.publicKey);
}

/** The `paySign` that belongs to a bridge object in APIv2: stands here for tests. */
export function signBridge(
  bridge: Omit<Bridge, "paySign">,
  apiKey: string,
  signType: SignType,
): Bridge {
  return { ...bridge, paySign: sign(fields(bridge), apiKey, signType) };
}

/** The same in APIv3, with the merchant's private key (PEM). */
export function signBridgeRsa(bridge: Omit<Bridge, "paySign">, privateKey: string): Bridge {
  return { ...bridge, paySign: signMessage(rsaMessage(bridge), privateKey) };
}

function fields(bridge: Omit<Bridge, "paySign">): [string, string][] {
  return [
    ["appId", bridge.appId],
    ["timeStamp", bridge.timeStamp],
    ["nonceStr", bridge.nonceStr],
    ["package", bridge.package],
    ["signType", bridge.signType],
  ];
}

function rsaMessage(bridge: Omit<Bridge, "paySign">): string {
  return bridgeMessage(bridge.appId, bridge.timeStamp, bridge.nonceStr, bridge.package);
}
