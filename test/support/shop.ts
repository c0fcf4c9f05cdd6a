import { env } from "cloudflare:workers";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { insertApp } from "../../src/db/apps.ts";
import { connect } from "../../src/db/database.ts";
import { insertMerchant } from "../../src/db/merchants.ts";
import type { SignType, V2SignType } from "../../src/wechat/types.ts";
import { API_V3_KEY, certificateA, keys, publicKey } from "../wechat/v3/support/fixtures.ts";

/** A merchant and its app, with the secrets of both. */
export interface Shop {
  readonly merchantId: number;
  readonly mchId: string;
  readonly apiKey: string;
  readonly signType: SignType;
  /** The signature type of the merchant's APIv2 messages, even if only old orders use APIv2. */
  readonly v2SignType: V2SignType;
  readonly appId: number;
  readonly wechatAppId: string;
  readonly salt: string;
  readonly webhookSecret: string;
  readonly payUrl: string;
  readonly refundUrl: string;
}

/** The protocol of this run: the same tests run in both (vitest.config.ts). */
export const PROTOCOL = env.TEST_PROTOCOL ?? "v2";
export const DEFAULT_SIGN_TYPE = PROTOCOL === "v3" ? "RSA" : "HMAC-SHA256";

let shops = 0;

/** The further settings of an APIv3 merchant that is moving from certificates to the public key. */
const V3 = {
  apiV3Key: API_V3_KEY,
  merchantSerialNo: keys.merchant.serialNo,
  merchantPrivateKey: keys.merchant.privateKey,
  verifyKeys: [certificateA, publicKey],
};

/** Registers a new merchant with a new app. */
export async function openShop(signType: SignType = DEFAULT_SIGN_TYPE): Promise<Shop> {
  shops += 1;
  const digits = String(shops).padStart(4, "0");
  const v2SignType = signType === "RSA" ? "HMAC-SHA256" : signType;
  const masterKey = await importMasterKey(env.MASTER_KEY);
  const db = connect(env.DB);
  const secrets = {
    apiKey: `api-key-of-shop-${digits}-q7vx2mzp9rkt`,
    salt: `salt-of-shop-${digits}-0123456789`,
    webhookSecret: `whsec_${btoa(`webhook-secret-of-shop-${digits}`)}`,
  };
  const merchant = await insertMerchant(
    db,
    masterKey,
    {
      name: `Shop ${digits}`,
      mchId: `190000${digits}`,
      protocol: signType === "RSA" ? "v3" : "v2",
      signType: v2SignType,
      apiKey: secrets.apiKey,
      certBinding: null,
      ...(signType === "RSA" && V3),
    },
    Date.now(),
  );
  if (!merchant.ok) throw new Error(merchant.error);
  const { id: merchantId, mchId } = merchant.value;
  const app = await openApp(merchantId, digits, secrets);
  return { ...secrets, ...app, merchantId, mchId, signType, v2SignType };
}

/** Registers another app of the shop's merchant. */
export async function openSibling(shop: Shop): Promise<Shop> {
  shops += 1;
  const digits = String(shops).padStart(4, "0");
  const secrets = {
    salt: `salt-of-shop-${digits}-0123456789`,
    webhookSecret: `whsec_${btoa(`webhook-secret-of-shop-${digits}`)}`,
  };
  return { ...shop, ...secrets, ...(await openApp(shop.merchantId, digits, secrets)) };
}

async function openApp(
  merchantId: number,
  digits: string,
  { salt, webhookSecret }: Pick<Shop, "salt" | "webhookSecret">,
): Promise<Pick<Shop, "appId" | "wechatAppId" | "payUrl" | "refundUrl">> {
  const settings = {
    name: `App ${digits}`,
    wechatAppId: `wx00000000000${digits}`,
    payNotifyUrl: `https://app-${digits}.example.com/pay`,
    refundNotifyUrl: `https://app-${digits}.example.com/refund`,
  };
  const masterKey = await importMasterKey(env.MASTER_KEY);
  const app = await insertApp(
    connect(env.DB),
    masterKey,
    { ...settings, merchantId, salt, webhookSecret },
    Date.now(),
  );
  return {
    appId: app.id,
    wechatAppId: settings.wechatAppId,
    payUrl: settings.payNotifyUrl,
    refundUrl: settings.refundNotifyUrl,
  };
}
