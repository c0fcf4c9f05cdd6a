import certificate from "../keys/demo-merchant.cert.pem";
import type { Merchant } from "./ledger/merchants.ts";
import { readCertificate } from "./v3/pem.ts";

/** The APIv3 key of the demo merchant. Public on purpose, as is its private key in `keys/`. */
const DEMO_API_V3_KEY = "sandbox0apiv3key0of0thirtytwo0ch";

/** The merchant that the sandbox knows from the start, in both protocols. */
export function demoMerchant(apiKey: string): Merchant {
  const key = readCertificate(certificate);
  if (key === undefined) throw new Error("the demo merchant's certificate can't be read");
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
