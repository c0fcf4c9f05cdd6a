import demoCertificate from "../keys/demo-merchant.cert.pem";
import certificate1 from "../keys/platform-1.cert.pem";
import privateKey1 from "../keys/platform-1.key.pem";
import certificate2 from "../keys/platform-2.cert.pem";
import privateKey2 from "../keys/platform-2.key.pem";
import publicKey from "../keys/wechatpay-public.pem";
import publicKeyPrivate from "../keys/wechatpay-public.key.pem";
import type { Merchant } from "./ledger/merchants.ts";
import { readCertificate } from "./v3/pem.ts";

/** A key that signs APIv3 messages of the sandbox. */
export interface SandboxKey {
  /** Its value of `Wechatpay-Serial`. */
  readonly id: string;
  /** PEM, PKCS#8. */
  readonly privateKey: string;
}

/** A platform certificate with its private key. */
export interface PlatformCertificate extends SandboxKey {
  /** PEM, X.509. */
  readonly certificate: string;
  /** RFC 3339, as in `/v3/certificates`. */
  readonly effectiveTime: string;
  readonly expireTime: string;
}

/** The WeChat Pay public key with its private key. */
export interface WeChatPublicKey extends SandboxKey {
  /** PEM, SPKI. */
  readonly publicKey: string;
}

const VALIDITY = {
  effectiveTime: "2024-01-01T08:00:00+08:00",
  expireTime: "2124-01-01T07:59:59+08:00",
};

/**
 * The sandbox's keys are checked in, so that a merchant's configuration stays valid after a reset and
 * on another machine, and because a Worker can't create certificates. They are public: their
 * signatures prove nothing.
 */
export const FIRST_CERTIFICATE: PlatformCertificate = {
  id: "5A4DB0C1000000000000000000000000000000A1",
  certificate: certificate1,
  privateKey: privateKey1,
  ...VALIDITY,
};

/** The certificate that replaces the first one in a rotation. */
export const SECOND_CERTIFICATE: PlatformCertificate = {
  id: "5A4DB0C2000000000000000000000000000000B2",
  certificate: certificate2,
  privateKey: privateKey2,
  ...VALIDITY,
};

/** The key of merchants that verify with the WeChat Pay public key. */
export const PUBLIC_KEY: WeChatPublicKey = {
  id: "PUB_KEY_ID_0119000001092024010100000000000001",
  publicKey,
  privateKey: publicKeyPrivate,
};

/** The APIv3 key of the demo merchant. Public on purpose, as is its private key in `keys/`. */
const DEMO_API_V3_KEY = "sandbox0apiv3key0of0thirtytwo0ch";

/** The merchant that every sandbox starts with, in both protocols. */
export function demoMerchant(apiKey: string): Merchant {
  const key = readCertificate(demoCertificate);
  if (key === null) throw new Error("the demo merchant's certificate can't be read");
  return {
    mchId: "1900000109",
    apiKey,
    appIds: ["wxde05c4b716e52bf2", "wx3f7a9c1e5b8d2046"],
    apiV3Key: DEMO_API_V3_KEY,
    keys: [key],
    mode: { verifyMode: "certificate" },
    certificateStage: "first",
  };
}
