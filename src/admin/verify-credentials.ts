import type { Context } from "hono";
import { merchantSettings, masterKeyOf } from "../settings/settings.ts";
import type { MerchantRecord } from "../db/merchants.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { wechatEnvOf } from "../settings/wechat-env.ts";
import { downloadCertificates } from "../wechat/v3/certificates.ts";
import { instrumentCall } from "../wechat/instrument.ts";
import type { V3Merchant, VerifyKey } from "../wechat/types.ts";
import type { FieldFault } from "./errors.ts";
import type { Credentials } from "./merchant-schema.ts";

/** The stored credentials, by the names of the fields that they came in. */
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

/** New credentials of APIv3, as far as they are given. */
export interface NewCredentials {
  readonly apiV3Key?: string | undefined;
  readonly merchantSerialNo?: string | undefined;
  readonly merchantPrivateKey?: string | undefined;
  readonly verifyKeys?: readonly VerifyKey[] | undefined;
}

/**
 * Tries new credentials out at WeChat before they are stored: nothing else tells whether a private
 * key is the one of a serial number, or an APIv3 key the merchant's. Only a clear no is a fault;
 * when WeChat can't be asked, they are taken as they are.
 *
 * @returns the platform certificates that came back; none for a merchant with a public key.
 */
export async function tryCredentials(
  c: Context<GatewayEnv>,
  mchId: string,
  stored: MerchantRecord | null,
  given: NewCredentials,
): Promise<Result<readonly VerifyKey[], FieldFault>> {
  if (given.apiV3Key === undefined && given.merchantPrivateKey === undefined) return ok([]);
  const merchant = await merged(c, mchId, stored, given);
  if (merchant === null) return ok([]);
  const env = wechatEnvOf(c.env, c.get("config"));
  const answer = await instrumentCall(
    c.get("meter"),
    { api: "certificates" },
    async () => await downloadCertificates({ merchant, env }),
  );
  switch (answer.kind) {
    case "found":
      return ok(answer.certificates);
    case "none":
      return merchant.v3.verifyKeys.length > 0
        ? ok([])
        : fault(
            "verifyKeys",
            "is required: WeChat has no platform certificates of this merchant, so its WeChat Pay public key must be entered",
          );
    case "undecryptable":
      return fault("apiV3Key", "doesn't open this merchant's platform certificates");
    case "refused":
      if (/^SIGN_?ERROR$/.test(answer.code)) {
        return fault(
          "merchantPrivateKey",
          "is refused by WeChat: it doesn't belong to merchantSerialNo, or neither to this mchId",
        );
      }
      log("warn", "credentials_not_tried", { mchId, code: answer.code });
      return ok([]);
    case "unknown":
      log("warn", "credentials_not_tried", { mchId, reason: answer.reason });
      return ok([]);
  }
}

/** What would be stored; null while there are no complete credentials of APIv3. */
async function merged(
  c: Context<GatewayEnv>,
  mchId: string,
  stored: MerchantRecord | null,
  given: NewCredentials,
): Promise<V3Merchant | null> {
  const before = stored === null ? null : await storedCredentials(c, stored.id);
  const apiV3Key = given.apiV3Key ?? before?.apiV3Key;
  const serialNo = given.merchantSerialNo ?? before?.serialNo;
  const privateKeyPem = given.merchantPrivateKey ?? before?.privateKeyPem;
  if (apiV3Key === undefined || serialNo === undefined || privateKeyPem === undefined) return null;
  const verifyKeys = [...(given.verifyKeys ?? []), ...(before?.verifyKeys ?? [])];
  return { id: stored?.id ?? 0, mchId, v3: { apiV3Key, serialNo, privateKeyPem, verifyKeys } };
}

async function storedCredentials(c: Context<GatewayEnv>, merchantId: number) {
  const masterKey = await masterKeyOf(c.get("config"));
  const merchant = await merchantSettings(c.get("db"), masterKey, merchantId, Date.now(), 0);
  return merchant.ok ? merchant.value.v3 : null;
}

function fault(path: string, message: string): { readonly ok: false; readonly error: FieldFault } {
  return err({ path, message });
}
