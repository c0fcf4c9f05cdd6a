import type { Context } from "hono";
import type { MerchantRecord } from "../db/merchants.ts";
import type { GatewayEnv } from "../env.ts";
import { isPublishedKey } from "../lib/published.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { log } from "../observability/log.ts";
import { wechatEnvOf } from "../settings/wechat-env.ts";
import { checkCredentials, fetchCertificates } from "../wechat/certificates.ts";
import { instrumentCall } from "../wechat/instrument.ts";
import type { V3Credentials, VerifyKey } from "../wechat/types.ts";
import type { FieldFault } from "./errors.ts";
import type { Credentials } from "./merchant-schema.ts";

/** The stored credentials under the names of their request fields. */
export function credentialsOf(record: MerchantRecord): Credentials {
  const { signType, merchantSerialNo } = record;
  return {
    ...(signType !== null && { apiKey: true }),
    ...(merchantSerialNo !== null && {
      apiV3Key: true,
      merchantSerialNo: true,
      merchantPrivateKey: true,
    }),
  };
}

/** New APIv3 credentials; unchanged ones are absent. */
export interface NewCredentials {
  readonly apiV3Key?: string | undefined;
  readonly merchantSerialNo?: string | undefined;
  readonly merchantPrivateKey?: string | undefined;
  readonly verifyKeys?: readonly VerifyKey[] | undefined;
}

/**
 * Tests new credentials at WeChat before they are stored: only WeChat knows whether a private key
 * belongs to a serial number, or an APIv3 key to the merchant. Only a clear refusal is a fault;
 * when WeChat can't be reached, the credentials are accepted unchecked.
 *
 * @returns the platform certificates in WeChat's answer; none for a merchant with a public key.
 */
export async function verifyCredentials(
  c: Context<GatewayEnv>,
  mchId: string,
  stored: MerchantRecord | null,
  entered: NewCredentials,
): Promise<Result<readonly VerifyKey[], FieldFault>> {
  if (entered.apiV3Key === undefined && entered.merchantPrivateKey === undefined) return ok([]);
  const v3 = await merge(c, stored, entered);
  if (v3 === null) return ok([]);
  const { env, config, meter } = c.get("work");
  const answer = await instrumentCall(
    meter,
    { api: "certificates" },
    async () =>
      await fetchCertificates({ id: stored?.id ?? 0, mchId, v3 }, wechatEnvOf(env, config)),
  );
  const check = checkCredentials(answer, v3);
  switch (check.kind) {
    case "accepted":
      return config.environment !== "development" && check.certificates.some(isPublished)
        ? fault(
            "verifyKeys",
            "can't be fetched: the server at WECHAT_PAY_URL signs with a published test key",
          )
        : ok(check.certificates);
    case "public-key-missing":
      return fault(
        "verifyKeys",
        "is required: WeChat has no platform certificates for this merchant, so its WeChat Pay public key must be entered",
      );
    case "wrong-api-v3-key":
      return fault("apiV3Key", "doesn't decrypt this merchant's platform certificates");
    case "wrong-private-key":
      return fault(
        "merchantPrivateKey",
        "is refused by WeChat: it doesn't belong to merchantSerialNo, or neither belongs to this mchId",
      );
    case "not-checked": {
      const { code, reason } = check;
      log("warn", "credentials_not_checked", {
        requestId: c.get("requestId"),
        mchId,
        code,
        reason,
      });
      return ok([]);
    }
  }
}

/** The credentials as they would be stored; null while those of APIv3 are incomplete. */
async function merge(
  c: Context<GatewayEnv>,
  stored: MerchantRecord | null,
  entered: NewCredentials,
): Promise<V3Credentials | null> {
  const current = stored === null ? null : await storedCredentials(c, stored.id);
  const apiV3Key = entered.apiV3Key ?? current?.apiV3Key;
  const serialNo = entered.merchantSerialNo ?? current?.serialNo;
  const privateKeyPem = entered.merchantPrivateKey ?? current?.privateKeyPem;
  if (apiV3Key === undefined || serialNo === undefined || privateKeyPem === undefined) return null;
  const verifyKeys = [...(entered.verifyKeys ?? []), ...(current?.verifyKeys ?? [])];
  return { apiV3Key, serialNo, privateKeyPem, verifyKeys };
}

async function storedCredentials(
  c: Context<GatewayEnv>,
  merchantId: number,
): Promise<V3Credentials | null> {
  const merchant = await c.get("work").settings.merchant(merchantId, 0);
  return merchant.ok ? merchant.value.v3 : null;
}

function isPublished({ publicKeyPem }: VerifyKey): boolean {
  return isPublishedKey(publicKeyPem);
}

function fault(path: string, message: string): { readonly ok: false; readonly error: FieldFault } {
  return err({ path, message });
}
