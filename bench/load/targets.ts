import { AdminClient } from "../../testkit/admin-client.ts";
import { AppClient } from "../../testkit/app-client.ts";
import { SandboxClient } from "../../testkit/sandbox-client.ts";
import {
  addWechatMerchant,
  registerApp,
  registerMerchant,
  type Merchant,
} from "../../testkit/shop.ts";
import type { StackAddress } from "../../testkit/stack/stack.ts";
import type { FloorSettings } from "../floor/settings.ts";
import type { Client } from "../support/post.ts";
import { FLOOR_PATH, type ReceiverProcess } from "./receiver-process.ts";

/** Apps that share the load, because each app's requests are limited. */
const APPS = 10;

export interface LoadApp {
  readonly client: AppClient;
  /** Its callbacks go below this path. */
  readonly callbackPath: string;
}

/** What takes the load, the gateway or the floor, with one merchant and its apps. */
export interface Target {
  readonly url: string;
  readonly sandboxUrl: string;
  readonly merchant: Merchant;
  readonly apps: readonly LoadApp[];
  readonly client: Client;
}

/** Registers a merchant and its apps at the gateway. */
export async function gatewayTarget(
  { gatewayUrl, sandboxUrl, adminToken }: StackAddress,
  receiver: ReceiverProcess,
  client: Client,
): Promise<Target> {
  const admin = new AdminClient(gatewayUrl, adminToken);
  const merchant = await registerMerchant(admin, new SandboxClient(sandboxUrl), "HMAC-SHA256");
  const apps: LoadApp[] = [];
  for (let index = 0; index < APPS; index += 1) {
    const callbackPath = `/app-${index}`;
    const registered = await registerApp(admin, merchant, receiver, callbackPath);
    apps.push({ client: new AppClient(gatewayUrl, registered), callbackPath });
  }
  return { url: gatewayUrl, sandboxUrl, merchant, apps, client };
}

/** The same for the floor, which accepts any signature. */
export async function floorTarget(
  floorUrl: string,
  sandboxUrl: string,
  receiver: ReceiverProcess,
  client: Client,
): Promise<Target> {
  const account = await addWechatMerchant(new SandboxClient(sandboxUrl));
  const { mchId, apiKey, wechatAppId } = account;
  const notifyUrl = receiver.url + FLOOR_PATH;
  const settings: FloorSettings = { mchId, apiKey, wechatAppId, apps: APPS, notifyUrl };
  const init = { method: "POST", body: JSON.stringify(settings) };
  const response = await fetch(`${floorUrl}/setup`, init);
  if (!response.ok) throw new Error(`the floor can't be set up: ${await response.text()}`);
  const apps = Array.from({ length: APPS }, (_, index) => ({
    client: new AppClient(floorUrl, { id: index + 1, salt: "x".repeat(32) }),
    callbackPath: FLOOR_PATH,
  }));
  const merchant = { ...account, id: 1, signType: "HMAC-SHA256", protocol: "v2" } as const;
  return { url: floorUrl, sandboxUrl, merchant, apps, client };
}
