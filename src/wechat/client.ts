import { connectV2 } from "./v2/client.ts";
import { connectV3 } from "./v3/client.ts";
import type { Merchant, Protocol, Refused, WechatEnv, WechatPay } from "./types.ts";

/**
 * A merchant's line to WeChat Pay in the protocol of the order at hand, which isn't the merchant's
 * for orders made before it changed.
 */
export function connectWechat(merchant: Merchant, protocol: Protocol, env: WechatEnv): WechatPay {
  const { id, mchId, v2, v3 } = merchant;
  switch (protocol) {
    case "v2":
      return v2 === null ? refuseAll("APIv2") : connectV2({ mchId, ...v2 }, env);
    case "v3":
      return v3 === null ? refuseAll("APIv3") : connectV3({ id, mchId, v3 }, env);
  }
}

/** Nothing can be sent, so nothing is: an operator has to enter what is missing. */
function refuseAll(api: string): WechatPay {
  const message = `the merchant has no ${api} credentials`;
  const refused: Refused = { kind: "refused", code: "NO_CREDENTIALS", message, blame: "merchant" };
  const refuse = async (): Promise<Refused> => refused;
  return {
    prepay: refuse,
    bridge: async () => {
      throw new Error("nothing was prepared that could be signed");
    },
    queryPayment: refuse,
    close: refuse,
    refund: refuse,
    queryRefund: refuse,
    openBill: refuse,
  };
}
