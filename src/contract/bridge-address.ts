import { sha1Hex } from "./sha1.ts";

/** The input of `addressSignature`. */
export interface AddressRequest {
  readonly wechatAppId: string;
  /** The payer's OAuth2 web token, not the account's global one. Signed, never returned. */
  readonly accessToken: string;
  /** The page that opens the address book, including its `?code=…&state=…`. */
  readonly url: string;
  readonly nonceStr: string;
  /** Unix ms. */
  readonly nowAt: number;
}

/** The argument of `WeixinJSBridge.invoke("editAddress", …)`. */
export interface BridgeAddress {
  readonly addrSign: string;
  readonly signType: "sha1";
  readonly scope: "jsapi_address";
  readonly appId: string;
  readonly timeStamp: string;
  readonly nonceStr: string;
}

/**
 * Signs a request for the payer's address book. `editAddress` (W-28) signs five values under
 * lower-case names, unencoded and sorted, and compares them with the page that it runs in, whose URL
 * it takes without the fragment.
 */
export async function addressSignature(request: AddressRequest): Promise<BridgeAddress> {
  const timeStamp = String(Math.floor(request.nowAt / 1000));
  const [page = ""] = request.url.split("#");
  const signed = [
    `accesstoken=${request.accessToken}`,
    `appid=${request.wechatAppId}`,
    `noncestr=${request.nonceStr}`,
    `timestamp=${timeStamp}`,
    `url=${page}`,
  ].join("&");
  return {
    addrSign: await sha1Hex(signed),
    signType: "sha1",
    scope: "jsapi_address",
    appId: request.wechatAppId,
    timeStamp,
    nonceStr: request.nonceStr,
  };
}
