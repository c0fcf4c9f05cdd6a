import type { Merchant, SignType } from "./types.ts";

/** How a new order of this merchant is signed, all its life. */
export function signTypeOf(merchant: Merchant): SignType {
  switch (merchant.protocol) {
    case "v2":
      // Without credentials nothing is sent, let alone signed.
      return merchant.v2?.signType ?? "MD5";
    case "v3":
      return "RSA";
  }
}
