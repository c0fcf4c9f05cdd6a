import { readFileSync } from "node:fs";
import path from "node:path";
import type { MerchantDraft } from "./admin-client.ts";
import type { Protocol } from "./contract.ts";
import { ROOT } from "./stack/project.ts";

/**
 * How to register the demo merchant, which every sandbox knows, at the gateway. All of its keys are
 * public (sandbox/wrangler.toml, sandbox/keys).
 */
export function demoMerchant(protocol: Protocol): MerchantDraft {
  const names = { name: "Demo merchant", mchId: "1900000109" };
  switch (protocol) {
    case "v2":
      return { ...names, protocol, apiKey: DEMO_API_KEY };
    case "v3":
      return {
        ...names,
        protocol,
        apiV3Key: DEMO_API_V3_KEY,
        merchantSerialNo: API_CERTIFICATE.serialNo,
        merchantPrivateKey: API_CERTIFICATE.privateKey,
        verifyKeys: [PLATFORM_CERTIFICATE],
      };
  }
}

export const DEMO_API_KEY = "sandbox0api0key0of0thirtytwo0chr";
export const DEMO_API_V3_KEY = "sandbox0apiv3key0of0thirtytwo0ch";

/** The merchant's API certificate; merchants of tests share it. */
export const API_CERTIFICATE = {
  serialNo: "5A4DB0DE000000000000000000000000000000D1",
  certificate: sandboxKey("demo-merchant.cert.pem"),
  privateKey: sandboxKey("demo-merchant.key.pem"),
} as const;

/** Signs the sandbox's APIv3 messages to a merchant in certificate mode. */
export const PLATFORM_CERTIFICATE = {
  id: "5A4DB0C1000000000000000000000000000000A1",
  pem: sandboxKey("platform-1.cert.pem"),
} as const;

/** Signs the sandbox's APIv3 messages to a merchant in public-key mode. */
export const WECHAT_PAY_PUBLIC_KEY = {
  id: "PUB_KEY_ID_0119000001092024010100000000000001",
  pem: sandboxKey("wechatpay-public.pem"),
} as const;

/** The official account that the sandbox's demo merchant may use. */
export const DEMO_WECHAT_APP_ID = "wxde05c4b716e52bf2";

/** The salt in the published description of the signing rule: for development only. */
export const DEMO_SALT = "992a7f0b35d90fa9d45fe7a669414fbb";

/** One of the sandbox's public test keys, as PEM. */
export function sandboxKey(name: string): string {
  return readFileSync(path.join(ROOT, "sandbox/keys", name), "utf8");
}
