import type { CertificateStage } from "../ledger/key-modes.ts";
import type { Merchant } from "../ledger/merchants.ts";
import {
  FIRST_CERTIFICATE,
  SECOND_CERTIFICATE,
  type PlatformCertificate,
} from "../sandbox-keys.ts";
import { encrypt } from "./cipher.ts";
import { apiError, success, type ApiResponse } from "./response.ts";

/** The certificates that `/v3/certificates` returns. */
export function offeredCertificates(stage: CertificateStage): readonly PlatformCertificate[] {
  switch (stage) {
    case "first":
      return [FIRST_CERTIFICATE];
    case "second-offered":
    case "second-signs":
      return [FIRST_CERTIFICATE, SECOND_CERTIFICATE];
    case "second-only":
      return [SECOND_CERTIFICATE];
  }
}

/**
 * GET /v3/certificates: the platform certificates, encrypted with the merchant's APIv3 key. Merchants
 * that have only the WeChat Pay public key get a 404, which is normal for them.
 * See W-77.
 */
export function certificates({ mode, certificateStage, apiV3Key }: Merchant): ApiResponse {
  if (mode.verifyMode === "public-key") {
    return apiError("RESOURCE_NOT_EXISTS", "无可用的平台证书，请使用微信支付公钥验签");
  }
  if (apiV3Key === null) return apiError("INVALID_REQUEST", "商户未设置APIv3密钥");
  return success({
    data: offeredCertificates(certificateStage).map((it) => ({
      serial_no: it.id,
      effective_time: it.effectiveTime,
      expire_time: it.expireTime,
      encrypt_certificate: encrypt(it.certificate, apiV3Key, "certificate"),
    })),
  });
}
