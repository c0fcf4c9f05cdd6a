import type {
  OrderKey,
  PrepayRequest,
  WechatRefundRequest,
  V3Merchant,
  VerifyKey,
} from "../../../../src/wechat/types.ts";
import * as v2 from "../../support/fixtures.ts";
import keys from "./keys.json";

export { keys };
export const API_V3_KEY = "a-key-of-thirty-two-bytes-for-v3";
export const MCH_ID = v2.merchant.mchId;

const NO_DATES = { notBefore: null, notAfter: null };
const DATES = { notBefore: Date.UTC(2020, 0, 1), notAfter: Date.UTC(2060, 0, 1) };

export const publicKey: VerifyKey = {
  id: keys.publicKey.id,
  kind: "public-key",
  publicKeyPem: keys.publicKey.publicKey,
  ...NO_DATES,
};

export const certificateA: VerifyKey = {
  id: keys.certificateA.id,
  kind: "certificate",
  publicKeyPem: keys.certificateA.publicKey,
  ...DATES,
};

export const certificateB: VerifyKey = {
  id: keys.certificateB.id,
  kind: "certificate",
  publicKeyPem: keys.certificateB.publicKey,
  ...DATES,
};

/** Changing from certificates to the public key: both kinds are valid. */
export const merchant: V3Merchant = {
  id: 1,
  mchId: MCH_ID,
  v3: {
    apiV3Key: API_V3_KEY,
    serialNo: keys.merchant.serialNo,
    privateKeyPem: keys.merchant.privateKey,
    verifyKeys: [publicKey, certificateA],
  },
};

export const order: OrderKey = { ...v2.order, signType: "RSA" };
export const prepayRequest: PrepayRequest = { ...v2.prepayRequest, signType: "RSA" };
export const refundRequest: WechatRefundRequest = { ...v2.refundRequest, signType: "RSA" };
