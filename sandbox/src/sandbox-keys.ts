import certificate1 from "../keys/platform-1.cert.pem";
import privateKey1 from "../keys/platform-1.key.pem";
import certificate2 from "../keys/platform-2.cert.pem";
import privateKey2 from "../keys/platform-2.key.pem";
import publicKey from "../keys/wechatpay-public.pem";
import publicKeyPrivate from "../keys/wechatpay-public.key.pem";

/** A key that the sandbox signs APIv3 messages with. */
export interface SandboxKey {
  /** What `Wechatpay-Serial` calls it. */
  id: string;
  /** PEM, PKCS#8. */
  privateKey: string;
}

export interface PlatformCertificate extends SandboxKey {
  /** PEM, X.509. */
  certificate: string;
  /** RFC 3339, as `/v3/certificates` tells them. */
  effectiveTime: string;
  expireTime: string;
}

export interface WeChatPublicKey extends SandboxKey {
  /** PEM, SPKI. */
  publicKey: string;
}

const LIFE = {
  effectiveTime: "2024-01-01T08:00:00+08:00",
  expireTime: "2124-01-01T07:59:59+08:00",
};

/**
 * The sandbox's keys are checked in and the same everywhere, so that what a merchant has configured
 * stays right after a reset and on another machine, and because a Worker can't make a certificate.
 * They prove nothing to anybody: whoever reads this can sign with them.
 */
export const FIRST_CERTIFICATE: PlatformCertificate = {
  id: "5A4DB0C1000000000000000000000000000000A1",
  certificate: certificate1,
  privateKey: privateKey1,
  ...LIFE,
};

export const SECOND_CERTIFICATE: PlatformCertificate = {
  id: "5A4DB0C2000000000000000000000000000000B2",
  certificate: certificate2,
  privateKey: privateKey2,
  ...LIFE,
};

export const PUBLIC_KEY: WeChatPublicKey = {
  id: "PUB_KEY_ID_0119000001092024010100000000000001",
  publicKey,
  privateKey: publicKeyPrivate,
};
