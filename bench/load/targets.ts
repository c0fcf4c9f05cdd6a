import { randomBytes } from "node:crypto";
import type { Stack } from "../../testkit/stack/stack.ts";
import { AdminClient } from "../../testkit/admin-client.ts";
import { SandboxClient } from "../../testkit/sandbox-client.ts";
import type { Receiver } from "./receiver-process.ts";

/** Apps that share the load: each app's requests are limited. */
const APPS = 10;

export interface LoadApp {
  readonly id: number;
  readonly salt: string;
}

/** One merchant and its apps. */
export interface LoadShop {
  readonly merchantId: number;
  readonly mchId: string;
  readonly apiKey: string;
  readonly wechatAppId: string;
  readonly apps: readonly LoadApp[];
}

/** Registers a merchant and its apps, at the sandbox and at the gateway. */
export async function openGatewayShop(stack: Stack, receiver: Receiver): Promise<LoadShop> {
  const admin = new AdminClient(stack.gatewayUrl, stack.adminToken);
  const account = await openAccount(stack.sandboxUrl, "1900000201");
  const { mchId, apiKey, wechatAppId } = account;
  const facts = { name: "load", mchId, apiKey, signType: "HMAC-SHA256" } as const;
  const merchant = await admin.registerMerchant({ ...facts, protocol: "v2" });
  const apps: LoadApp[] = [];
  for (let app = 0; app < APPS; app += 1) {
    const unknown = `${receiver.url}/unknown`;
    const registered = await admin.registerApp({
      name: `load ${app}`,
      merchantId: merchant.id,
      wechatAppId,
      payNotifyUrl: unknown,
      refundNotifyUrl: unknown,
    });
    const { id } = registered;
    await admin.changeApp(id, {
      payNotifyUrl: `${receiver.url}/${id}/pay`,
      refundNotifyUrl: `${receiver.url}/${id}/refund`,
    });
    await receiver.trust(id, registered);
    apps.push(registered);
  }
  return { ...account, merchantId: merchant.id, apps };
}

/** The same for the floor, which takes every salt. */
export async function openFloorShop(
  floorUrl: string,
  sandboxUrl: string,
  receiver: Receiver,
): Promise<LoadShop> {
  const account = await openAccount(sandboxUrl, "1900000202");
  const told = { ...account, apps: APPS, notifyUrl: `${receiver.url}/floor` };
  const response = await fetch(`${floorUrl}/setup`, { method: "POST", body: JSON.stringify(told) });
  if (!response.ok) throw new Error(`the floor can't be set up: ${await response.text()}`);
  const apps = Array.from({ length: APPS }, (_, index) => ({
    id: index + 1,
    salt: "x".repeat(32),
  }));
  return { ...account, merchantId: 1, apps };
}

async function openAccount(
  sandboxUrl: string,
  mchId: string,
): Promise<Pick<LoadShop, "mchId" | "apiKey" | "wechatAppId">> {
  const apiKey = randomBytes(16).toString("hex");
  const wechatAppId = `wx${randomBytes(8).toString("hex")}`;
  await new SandboxClient(sandboxUrl).addMerchant({ mchId, apiKey, appIds: [wechatAppId] });
  return { mchId, apiKey, wechatAppId };
}
