import type { BridgeParameters, Merchant, OrderKey } from "../wechat-pay.ts";
import { sign } from "./sign.ts";
import { makeNonce } from "./values.ts";

/**
 * The five parameters of `getBrandWCPayRequest` and the signature over exactly those, with the
 * order's own algorithm (WeChat: APIv2 JSAPI). `nowAt` is Unix ms; the bridge wants a *string* of
 * seconds.
 */
export async function signBridge(
  merchant: Merchant,
  order: OrderKey,
  prepayId: string,
  nowAt: number,
): Promise<BridgeParameters> {
  const parameters = {
    appId: order.wechatAppId,
    timeStamp: String(Math.floor(nowAt / 1000)),
    nonceStr: makeNonce(),
    package: `prepay_id=${prepayId}`,
    signType: order.signType,
  };
  const fields = new Map(Object.entries(parameters));
  return { ...parameters, paySign: await sign(fields, merchant.apiKey, order.signType) };
}
