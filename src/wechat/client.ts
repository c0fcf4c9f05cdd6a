import type {
  Merchant,
  Protocol,
  Refused,
  SignType,
  VerifyKeyLookup,
  WechatEnv,
  WechatPay,
} from "./types.ts";
import { connectV2 } from "./v2/client.ts";
import { connectV3 } from "./v3/client.ts";

/**
 * A merchant's WeChat Pay client in the order's protocol, which differs from the merchant's own for
 * orders created before the merchant changed protocols.
 */
export function connectWechat(
  merchant: Merchant,
  protocol: Protocol,
  env: WechatEnv,
  findVerifyKey: VerifyKeyLookup,
): WechatPay {
  const { id, mchId, v2, v3 } = merchant;
  switch (protocol) {
    case "v2":
      return v2 === null ? refuseAll("APIv2") : connectV2({ mchId, ...v2 }, env);
    case "v3":
      return v3 === null ? refuseAll("APIv3") : connectV3({ id, mchId, v3 }, env, findVerifyKey);
  }
}

/** The sign type of this merchant's new orders; an order keeps its sign type. */
export function signTypeOf(merchant: Merchant): SignType {
  switch (merchant.protocol) {
    case "v2":
      // Without credentials nothing is sent, so nothing is signed.
      return merchant.v2?.signType ?? "MD5";
    case "v3":
      return "RSA";
  }
}

/** Without credentials every call is refused until an operator enters them. */
function refuseAll(api: string): WechatPay {
  const message = `the merchant has no ${api} credentials`;
  const refused: Refused = { kind: "refused", code: "NO_CREDENTIALS", message, blame: "merchant" };
  const refuse = async (): Promise<Refused> => refused;
  return {
    prepay: refuse,
    bridge: async () => {
      throw new Error("no prepay id to sign");
    },
    queryPayment: refuse,
    queryTransaction: refuse,
    close: refuse,
    refund: async () => ({ ...refused, cause: "other" }),
    queryRefund: refuse,
    listRefunds: refuse,
    openBill: refuse,
  };
}
