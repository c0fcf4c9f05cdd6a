import { randomHex32 } from "../../lib/random.ts";
import type { BridgeParameters, OrderKey, V3Credentials } from "../types.ts";
import { sign } from "./rsa.ts";

/**
 * The parameters of `getBrandWCPayRequest`, signed with RSA (W-26). `nowAt` is Unix ms; the bridge
 * requires a *string* of seconds.
 */
export async function signBridge(
  credentials: V3Credentials,
  order: OrderKey,
  prepayId: string,
  nowAt: number,
): Promise<BridgeParameters> {
  const parameters = {
    appId: order.wechatAppId,
    timeStamp: String(Math.floor(nowAt / 1000)),
    nonceStr: randomHex32(),
    package: `prepay_id=${prepayId}`,
  };
  const paySign = await sign(bridgeText(parameters), credentials);
  return { ...parameters, signType: "RSA", paySign };
}

/** The signed text: four values without names, each ending with a line feed; without `signType`. */
export function bridgeText(
  parameters: Pick<BridgeParameters, "appId" | "timeStamp" | "nonceStr" | "package">,
): string {
  const { appId, timeStamp, nonceStr } = parameters;
  return [appId, timeStamp, nonceStr, parameters.package, ""].join("\n");
}
