import { env } from "cloudflare:workers";
import { importMasterKey } from "../../src/lib/secret-box.ts";
import { insertApp } from "../../src/db/apps.ts";
import { connect } from "../../src/db/database.ts";
import { insertMerchant } from "../../src/db/merchants.ts";
import type { SignType, V2SignType } from "../../src/wechat/types.ts";
import { API_V3_KEY, certificateA, keys, publicKey } from "../wechat/v3/support/fixtures.ts";

/** A merchant and its app, with the secrets that each of them knows. */
export interface Shop {
  readonly merchantId: number;
  readonly mchId: string;
  readonly apiKey: string;
  readonly signType: SignType;
  /** How APIv2 messages of the merchant are signed, be it that of old orders only. */
  readonly v2SignType: V2SignType;
  readonly appId: number;
  readonly wechatAppId: string;
  readonly salt: string;
  readonly webhookSecret: string;
  readonly payUrl: string;
  readonly refundUrl: string;
}

/** The same tests run in either protocol (vitest.config.ts). */
export const PROTOCOL = env.TEST_PROTOCOL ?? "v2";
export const USUAL_SIGN_TYPE = PROTOCOL === "v3" ? "RSA" : "HMAC-SHA256";

let shops = 0;

/** What a merchant of APIv3 has besides, on its way from certificates to the public key. */
const V3 = {
  apiV3Key: API_V3_KEY,
  merchantSerialNo: keys.merchant.serialNo,
  merchantPrivateKey: keys.merchant.privateKey,
  verifyKeys: [certificateA, publicKey],
};

/** Registers a fresh merchant and a fresh app of it. */
export async function openShop(signType: SignType = USUAL_SIGN_TYPE): Promise<Shop> {
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
  return { ...secrets, ...(await openApp(merchant.value.id, digits, secrets)), ...pick(merchant) };

  function pick(made: { readonly value: { readonly id: number; readonly mchId: string } }) {
    return { merchantId: made.value.id, mchId: made.value.mchId, signType, v2SignType };
  }
}

/** Registers one more app of a shop's merchant. */
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
  const facts = {
    name: `App ${digits}`,
    wechatAppId: `wx00000000000${digits}`,
    payNotifyUrl: `https://app-${digits}.example.com/pay`,
    refundNotifyUrl: `https://app-${digits}.example.com/refund`,
  };
  const masterKey = await importMasterKey(env.MASTER_KEY);
  const app = await insertApp(
    connect(env.DB),
    masterKey,
    { ...facts, merchantId, salt, webhookSecret },
    Date.now(),
  );
  return {
    appId: app.id,
    wechatAppId: facts.wechatAppId,
    payUrl: facts.payNotifyUrl,
    refundUrl: facts.refundNotifyUrl,
  };
}
