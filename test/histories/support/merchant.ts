import { env } from "cloudflare:workers";
import * as z from "zod";
import merchantCertificate from "../../../sandbox/keys/demo-merchant.cert.pem";
import merchantPrivateKey from "../../../sandbox/keys/demo-merchant.key.pem";
import platformCertificate from "../../../sandbox/keys/platform-1.cert.pem";
import sandbox from "../../../sandbox/src/index.ts";
import { send } from "../../support/gateway.ts";
import type { AppKeys } from "./app-servers.ts";
import type { SignType } from "./steps.ts";

/** A merchant and its two apps, registered through the back-office. */
export interface Merchant {
  readonly signType: SignType;
  readonly mchId: string;
  readonly merchantId: number;
  readonly apps: readonly [MerchantApp, MerchantApp];
  /** The secrets of the merchant, its apps and the gateway: they must not appear in any output. */
  readonly secrets: readonly string[];
}

export interface MerchantApp extends AppKeys {
  readonly host: string;
}

/** The payer's openId. Only WeChat and the table `users` have it. */
export const PAYER = "oCanaryOfAPayerWhoIsNamedNowhere";

const SERIAL_NO = "5A4DB0DE000000000000000000000000000000D1";
const PLATFORM_SERIAL_NO = "5A4DB0C1000000000000000000000000000000A1";
const WECHAT_APP_IDS = ["wxde05c4b716e52bf2", "wx3f7a9c1e5b8d2046"] as const;

const MERCHANTS = {
  MD5: { mchId: "1900000201", tail: "md5" },
  "HMAC-SHA256": { mchId: "1900000202", tail: "mac" },
  RSA: { mchId: "1900000203", tail: "rsa" },
} as const satisfies Record<SignType, { mchId: string; tail: string }>;

/** Keys in WeChat's form: 32 letters and digits. */
export function keysOf(signType: SignType): { readonly apiKey: string; readonly apiV3Key: string } {
  const { tail } = MERCHANTS[signType];
  return {
    apiKey: `canary0of0an0apikey0`.padEnd(29, "0") + tail,
    apiV3Key: `canary0of0an0apiv3key0`.padEnd(29, "0") + tail,
  };
}

const merchants = new Map<SignType, Merchant>();

/** The merchant with this sign type; registered at the gateway on first use. */
export async function merchantFor(signType: SignType): Promise<Merchant> {
  const known = merchants.get(signType);
  if (known !== undefined) return known;
  const merchant = await register(signType);
  merchants.set(signType, merchant);
  return merchant;
}

/** Resets the sandbox, so that it knows this merchant only. */
export async function resetSandbox({ signType, mchId }: Merchant): Promise<void> {
  await control("/reset", {});
  const appIds = WECHAT_APP_IDS;
  await control("/merchants", { mchId, appIds, ...keysOf(signType), merchantCertificate });
}

async function control(path: string, body: object): Promise<void> {
  const url = `${env.WECHAT_PAY_URL}/sandbox/api${path}`;
  const init = { method: "POST", body: JSON.stringify(body) };
  const headers = { "content-type": "application/json" };
  const response = await sandbox.fetch(new Request(url, { ...init, headers }), env);
  if (!response.ok) throw new Error(`the sandbox answered ${await response.text()}`);
}

async function register(signType: SignType): Promise<Merchant> {
  const { mchId } = MERCHANTS[signType];
  const { apiKey, apiV3Key } = keysOf(signType);
  const common = { name: `merchant ${signType}`, mchId };
  const body =
    signType === "RSA"
      ? {
          ...common,
          protocol: "v3",
          apiV3Key,
          merchantSerialNo: SERIAL_NO,
          merchantPrivateKey,
          verifyKeys: [{ id: PLATFORM_SERIAL_NO, pem: platformCertificate }],
        }
      : { ...common, protocol: "v2", apiKey, signType };
  const { id: merchantId } = await createByOperator("/merchants", body, z.object({ id: z.int() }));
  const apps = [await registerApp(merchantId, 0), await registerApp(merchantId, 1)] as const;
  const keyLines = merchantPrivateKey.split("\n").filter((line) => line.length === 64);
  const secrets = [
    apiKey,
    apiV3Key,
    env.ADMIN_TOKEN,
    env.MASTER_KEY,
    PAYER,
    ...keyLines.slice(0, 1),
    ...apps.flatMap(({ salt, webhookSecret }) => [salt, webhookSecret]),
  ];
  return { signType, mchId, merchantId, apps, secrets };
}

async function registerApp(merchantId: number, index: 0 | 1): Promise<MerchantApp> {
  const host = `app-${merchantId}-${index}.example.com`;
  const registered = await createByOperator(
    "/apps",
    {
      name: host,
      merchantId,
      wechatAppId: WECHAT_APP_IDS[index],
      payNotifyUrl: `https://${host}/pay`,
      refundNotifyUrl: `https://${host}/refund`,
    },
    z.object({ id: z.int(), salt: z.string(), webhookSecret: z.string() }),
  );
  const { id: appId, salt, webhookSecret } = registered;
  return { appId, host, salt, webhookSecret };
}

/** Creates something through the back-office. Throws unless it succeeds. */
async function createByOperator<T>(path: string, body: object, answer: z.ZodType<T>): Promise<T> {
  const response = await requestAsOperator(path, body);
  const text = await response.text();
  if (!response.ok) throw new Error(`POST /admin${path}: ${text}`);
  return answer.parse(JSON.parse(text));
}

/** Sends a request of the operator; the response may be an error. */
export async function requestAsOperator(path: string, body: object): Promise<Response> {
  const authorization = `Bearer ${env.ADMIN_TOKEN}`;
  return await send(`/admin${path}`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** The app with this id. Throws when the merchant has none. */
export function appById({ apps }: Merchant, appId: number): MerchantApp {
  const found = apps.find((app) => app.appId === appId);
  if (found === undefined) throw new Error(`the merchant has no app ${appId}`);
  return found;
}
