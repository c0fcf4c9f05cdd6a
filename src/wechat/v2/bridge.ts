import { randomHex32 } from "../../lib/random.ts";
import type { BridgeParameters, OrderKey, V2Merchant } from "../types.ts";
import { sign, v2SignType } from "./sign.ts";

/**
 * The five parameters of `getBrandWCPayRequest` and the signature over exactly those, with the
 * order's algorithm (W-25). `nowAt` is Unix ms; the bridge requires a *string* of seconds.
 */
export async function signBridge(
  merchant: V2Merchant,
  order: OrderKey,
  prepayId: string,
  nowAt: number,
): Promise<BridgeParameters> {
  const parameters = {
    appId: order.wechatAppId,
    timeStamp: String(Math.floor(nowAt / 1000)),
    nonceStr: randomHex32(),
    package: `prepay_id=${prepayId}`,
    signType: order.signType,
  };
  const fields = new Map(Object.entries(parameters));
  const paySign = await sign(fields, merchant.apiKey, v2SignType(order.signType));
  return { ...parameters, paySign };
}
