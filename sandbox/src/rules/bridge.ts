import type { Merchant } from "../ledger/merchants.ts";
import { findPrepay, type Order, type Prepay } from "../ledger/orders.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { sign, verifySign, type SignType } from "../v2/sign.ts";
import { bridgeMessage, sign as signRsa, verifySignature } from "../v3/sign.ts";

/** The parameters that a page passes to `getBrandWCPayRequest`, with its names and types. */
export interface Bridge {
  readonly appId: string;
  /** Unix seconds, as text. */
  readonly timeStamp: string;
  readonly nonceStr: string;
  readonly package: string;
  readonly signType: string;
  readonly paySign: string;
}

// A prepay_id is valid for 2 hours (W-19).
const PREPAY_LIFETIME_MS = 2 * 60 * 60 * 1000;

/**
 * Checks bridge parameters as WeChat's client does. Returns the reason for a refusal, or null.
 * The appid and the sign type must be the order's, the prepay_id one of its own and not expired.
 * `paySign` signs exactly these five fields; with RSA it signs the first four, with the merchant's key
 * that signed the prepay call (W-25, W-26).
 */
export function checkBridge(
  { sql, now }: LedgerTransaction,
  order: Order,
  bridge: Bridge,
  merchant: Merchant,
): string | null {
  if (bridge.appId !== order.appId) return "bridge: appId is not the order's";
  if (!/^\d{10}$/.test(bridge.timeStamp)) return "bridge: timeStamp is not 10 digits";
  if (!/^[0-9A-Za-z]{1,32}$/.test(bridge.nonceStr)) return "bridge: nonceStr is malformed";
  if (bridge.signType !== order.signType) return "bridge: signType is not the order's sign_type";
  const prepayId = /^prepay_id=(.+)$/.exec(bridge.package)?.[1];
  if (prepayId === undefined) return "bridge: package is not prepay_id=…";
  const prepay = findPrepay(sql, order, prepayId);
  if (prepay === null) return "bridge: the prepay_id is not this order's";
  if (now - prepay.issuedAt > PREPAY_LIFETIME_MS)
    return "bridge: the prepay_id is older than 2 hours";
  return paySignMatches(bridge, order, prepay, merchant) ? null : "bridge: paySign is wrong";
}

function paySignMatches(
  bridge: Bridge,
  { signType }: Order,
  { serialNo }: Prepay,
  { apiKey, keys }: Merchant,
): boolean {
  if (signType !== "RSA") return verifySign(bridge.paySign, fields(bridge), apiKey, signType);
  const key = keys.find((it) => it.serialNo === serialNo);
  return key !== undefined && verifySignature(bridge.paySign, rsaMessage(bridge), key.publicKey);
}

/** Signs bridge parameters for APIv2; for tests. */
export function signBridge(
  bridge: Omit<Bridge, "paySign">,
  apiKey: string,
  signType: SignType,
): Bridge {
  return { ...bridge, paySign: sign(fields(bridge), apiKey, signType) };
}

/** Signs bridge parameters for APIv3 with the merchant's private key (PEM); for tests. */
export function signBridgeRsa(bridge: Omit<Bridge, "paySign">, privateKey: string): Bridge {
  return { ...bridge, paySign: signRsa(rsaMessage(bridge), privateKey) };
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
