import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseEnv } from "node:util";
import type { Stack } from "../../testkit/stack/stack.ts";
import { AdminClient, type AppDraft, type RegisteredMerchant } from "../../testkit/admin-client.ts";
import { AppClient, USUAL_ORDER } from "../../testkit/app-client.ts";
import type { Protocol } from "../../testkit/contract.ts";
import {
  API_CERTIFICATE,
  DEMO_API_KEY,
  DEMO_API_V3_KEY,
  demoMerchant,
  DEMO_SALT,
  DEMO_WECHAT_APP_ID,
} from "../../testkit/demo-merchant.ts";
import { ROOT } from "../../testkit/stack/project.ts";
import { SandboxClient } from "../../testkit/sandbox-client.ts";

export interface DemoApp {
  readonly id: number;
  readonly salt: string;
}

/** The number after the demo merchant's. */
const V3_MCH_ID = "1900000110";

/** The secrets of local development. Throws if `.dev.vars` doesn't have them. */
export function readDevelopmentSecrets(): { adminToken: string; masterKey: string } {
  const file = path.join(ROOT, ".dev.vars");
  const vars = existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {};
  const { ADMIN_TOKEN: adminToken, MASTER_KEY: masterKey } = vars;
  if (adminToken === undefined || masterKey === undefined) {
    throw new Error(
      ".dev.vars has no ADMIN_TOKEN and MASTER_KEY: create it with `cp .dev.vars.example .dev.vars`",
    );
  }
  return { adminToken, masterKey };
}

/** The demo apps, by their merchants' protocol. Both send their callbacks to the receiver. */
export async function demoApps(
  stack: Stack,
  receiverUrl: string,
): Promise<Readonly<Record<Protocol, DemoApp>>> {
  const admin = new AdminClient(stack.gatewayUrl, stack.adminToken);
  const urls = { payNotifyUrl: `${receiverUrl}/pay`, refundNotifyUrl: `${receiverUrl}/refund` };
  const v2 = await demoApp(admin, "Demo app", await demoMerchantId(admin), urls);
  const v3 = await demoApp(admin, "Demo app, APIv3", await v3MerchantId(admin, stack), urls);
  return { v2, v3 };
}

/** An app: created at the first run, found later. The receiver has another port each time. */
async function demoApp(
  admin: AdminClient,
  name: string,
  merchantId: number,
  urls: Pick<AppDraft, "payNotifyUrl" | "refundNotifyUrl">,
): Promise<DemoApp> {
  const apps = await admin.apps();
  const known = apps.find((app) => app.name === name && app.merchantId === merchantId);
  if (known !== undefined) {
    await admin.changeApp(known.id, urls);
    return { id: known.id, salt: DEMO_SALT };
  }
  return await admin.registerApp({
    name,
    merchantId,
    wechatAppId: DEMO_WECHAT_APP_ID,
    salt: DEMO_SALT,
    ...urls,
  });
}

async function demoMerchantId(admin: AdminClient): Promise<number> {
  const draft = demoMerchant("v2");
  const known = await findMerchant(admin, draft.mchId);
  return (known ?? (await admin.registerMerchant(draft))).id;
}

/** A merchant number has one protocol at a time, so the second merchant is added to the sandbox. */
async function v3MerchantId(admin: AdminClient, { sandboxUrl }: Stack): Promise<number> {
  const known = await findMerchant(admin, V3_MCH_ID);
  if (known !== undefined) return known.id;
  await new SandboxClient(sandboxUrl).addMerchant({
    mchId: V3_MCH_ID,
    apiKey: DEMO_API_KEY,
    apiV3Key: DEMO_API_V3_KEY,
    merchantCertificate: API_CERTIFICATE.certificate,
    appIds: [DEMO_WECHAT_APP_ID],
  });
  const names = { name: "Demo merchant, APIv3", mchId: V3_MCH_ID };
  return (await admin.registerMerchant({ ...demoMerchant("v3"), ...names })).id;
}

async function findMerchant(
  admin: AdminClient,
  mchId: string,
): Promise<RegisteredMerchant | undefined> {
  const merchants = await admin.merchants();
  return merchants.find((merchant) => merchant.mchId === mchId);
}

/** A signed create-order as a command to paste. Without appOrderNo, so each run creates an order. */
export function curlOf(gatewayUrl: string, app: DemoApp): string {
  const { path: endpoint, fields } = new AppClient(gatewayUrl, app).sign("/pay/create-order", {
    ...USUAL_ORDER,
    attach: "hello",
  });
  const data = Object.entries(fields).map(([name, value]) => `--data-urlencode '${name}=${value}'`);
  return [`curl -s ${gatewayUrl}${endpoint}`, ...data].join(" \\\n  ");
}
