import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseEnv } from "node:util";
import type { Stack } from "../stack.ts";
import { AdminClient } from "../support/admin-client.ts";
import { AppClient, USUAL_ORDER } from "../support/app-client.ts";
import { demoMerchant, DEMO_SALT, DEMO_WECHAT_APP_ID } from "../support/demo-merchant.ts";
import { ROOT } from "../support/project.ts";

export interface DemoApp {
  readonly id: number;
  readonly salt: string;
}

const NAME = "Demo app";

/** The secrets of local development. Throws where `.dev.vars` doesn't hold them. */
export function readDevelopmentSecrets(): { adminToken: string; masterKey: string } {
  const file = path.join(ROOT, ".dev.vars");
  const vars = existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {};
  const { ADMIN_TOKEN: adminToken, MASTER_KEY: masterKey } = vars;
  if (adminToken === undefined || masterKey === undefined) {
    throw new Error(
      ".dev.vars doesn't hold ADMIN_TOKEN and MASTER_KEY: `cp .dev.vars.example .dev.vars` makes it",
    );
  }
  return { adminToken, masterKey };
}

/**
 * The demo merchant and app: made at the first run, found again later. The receiver has another
 * port each time, so the app's addresses follow it.
 */
export async function demoApp(stack: Stack, receiverUrl: string): Promise<DemoApp> {
  const admin = new AdminClient(stack.gatewayUrl, stack.adminToken);
  const merchants = await admin.merchants();
  const draft = demoMerchant("v2");
  const merchant =
    merchants.find(({ mchId }) => mchId === draft.mchId) ?? (await admin.registerMerchant(draft));
  const urls = { payNotifyUrl: `${receiverUrl}/pay`, refundNotifyUrl: `${receiverUrl}/refund` };
  const apps = await admin.apps();
  const known = apps.find(({ name, merchantId }) => name === NAME && merchantId === merchant.id);
  if (known !== undefined) {
    await admin.changeApp(known.id, urls);
    return { id: known.id, salt: DEMO_SALT };
  }
  return await admin.registerApp({
    name: NAME,
    merchantId: merchant.id,
    wechatAppId: DEMO_WECHAT_APP_ID,
    salt: DEMO_SALT,
    ...urls,
  });
}

/** A signed create-order as a command to paste. It names no number of its own: each run is an order. */
export function curlOf(gatewayUrl: string, app: DemoApp): string {
  const { path: endpoint, fields } = new AppClient(gatewayUrl, app).sign("/pay/create-order", {
    ...USUAL_ORDER,
    attach: "hello",
  });
  const data = Object.entries(fields).map(([name, value]) => `--data-urlencode '${name}=${value}'`);
  return [`curl -s ${gatewayUrl}${endpoint}`, ...data].join(" \\\n  ");
}
