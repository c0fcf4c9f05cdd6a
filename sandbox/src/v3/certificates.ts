import type { Merchant } from "../ledger/merchants.ts";
import { done, problem, type Answer } from "./answers.ts";
import { offeredCertificates } from "./choose-key.ts";
import { encrypt } from "./cipher.ts";

/**
 * GET /v3/certificates: the platform certificates, encrypted with the merchant's APIv3 key. Merchants
 * that have the WeChat Pay public key alone have no certificates: 404, which is normal for them.
 * WeChat docs: APIv3, "downloading platform certificates".
 */
export function certificates({ mode, certificateStage, apiV3Key }: Merchant): Answer {
  if (mode.verifyMode === "public-key") {
    return problem("RESOURCE_NOT_EXISTS", "无可用的平台证书，请使用微信支付公钥验签");
  }
  if (apiV3Key === null) return problem("INVALID_REQUEST", "商户未设置APIv3密钥");
  return done({
    data: offeredCertificates(certificateStage).map((it) => ({
      serial_no: it.id,
      effective_time: it.effectiveTime,
      expire_time: it.expireTime,
      encrypt_certificate: encrypt(it.certificate, apiV3Key, "certificate"),
    })),
  });
}
