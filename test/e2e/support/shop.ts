import { randomBytes, randomInt } from "node:crypto";
import { inject } from "vitest";
import {
  AdminClient,
  type RegisteredApp,
  type V3Credentials,
} from "../../../testkit/admin-client.ts";
import { AppClient, dataOf, type Parameters } from "../../../testkit/app-client.ts";
import { AppReceiver } from "../../../testkit/app-receiver.ts";
import type { CreatedOrder, OrderView, Protocol } from "../../../testkit/contract.ts";
import { API_CERTIFICATE, PLATFORM_CERTIFICATE } from "../../../testkit/demo-merchant.ts";
import { eventually } from "../../../testkit/eventually.ts";
import { SandboxClient } from "../../../testkit/sandbox-client.ts";
import type { StackAddress } from "./stack-address.ts";

/** The part of a test's context that closes what the test has opened. */
export interface Closing {
  onTestFinished(close: () => Promise<void>): void;
}

declare module "vitest" {
  interface ProvidedContext {
    /** What the merchants of the tests speak, unless a test says otherwise. */
    protocol: Protocol;
  }
}

export type SignType = "MD5" | "HMAC-SHA256" | "RSA";

/** How the merchants of this run may sign, the usual way first; the way tells the protocol. */
export const SIGN_TYPES: readonly [SignType, ...SignType[]] =
  inject("protocol") === "v3" ? ["RSA"] : ["MD5", "HMAC-SHA256"];

export interface ShopOptions {
  /** The shared one when left out. */
  readonly stack?: StackAddress;
  readonly signType?: SignType;
}

/** A merchant of its own with one app: what one test works with, apart from all others. */
export interface Shop {
  readonly gatewayUrl: string;
  readonly merchant: {
    readonly id: number;
    readonly mchId: string;
    readonly apiKey: string;
    readonly apiV3Key: string;
    readonly signType: SignType;
    readonly wechatAppId: string;
  };
  readonly registered: RegisteredApp;
  readonly app: AppClient;
  /** The same app with another salt. */
  readonly appWith: (salt: string) => AppClient;
  readonly receiver: AppReceiver;
  readonly admin: AdminClient;
  readonly sandbox: SandboxClient;
}

/** Registers a merchant at the sandbox and the gateway, and an app whose server is up. */
export async function openShop(t: Closing, options: ShopOptions = {}): Promise<Shop> {
  const { gatewayUrl, sandboxUrl, adminToken } = options.stack ?? inject("stack");
  const { signType = SIGN_TYPES[0] } = options;
  const admin = new AdminClient(gatewayUrl, adminToken);
  const sandbox = new SandboxClient(sandboxUrl);
  const mchId = `19${randomInt(1e8, 1e9)}`;
  const apiKey = randomBytes(16).toString("hex");
  const apiV3Key = randomBytes(16).toString("hex");
  const wechatAppId = `wx${randomBytes(8).toString("hex")}`;
  // At WeChat it may speak both, as every merchant may.
  const { certificate: merchantCertificate } = API_CERTIFICATE;
  await sandbox.addMerchant({
    mchId,
    apiKey,
    appIds: [wechatAppId],
    apiV3Key,
    merchantCertificate,
  });
  const facts = { name: `shop ${mchId}`, mchId };
  const draft =
    signType === "RSA"
      ? { ...facts, protocol: "v3" as const, ...v3Credentials(apiV3Key) }
      : { ...facts, protocol: "v2" as const, apiKey, signType };
  const { id } = await byOperator(async () => await admin.registerMerchant(draft));
  const shop = {
    gatewayUrl,
    merchant: { id, mchId, apiKey, apiV3Key, signType, wechatAppId },
    admin,
    sandbox,
  };
  return { ...shop, ...(await openApp(t, shop)) };
}

/** What the gateway needs to know of a merchant to speak APIv3 for it. */
export function v3Credentials(apiV3Key: string): V3Credentials {
  const { serialNo: merchantSerialNo, privateKey: merchantPrivateKey } = API_CERTIFICATE;
  return { apiV3Key, merchantSerialNo, merchantPrivateKey, verifyKeys: [PLATFORM_CERTIFICATE] };
}

/** Registers one more app of the shop's merchant, with a server of its own. */
export async function openApp(
  t: Closing,
  { gatewayUrl, merchant, admin }: Pick<Shop, "gatewayUrl" | "merchant" | "admin">,
): Promise<Pick<Shop, "registered" | "app" | "appWith" | "receiver">> {
  const receiver = await AppReceiver.start();
  t.onTestFinished(async () => await receiver.stop());
  const draft = {
    name: "app",
    merchantId: merchant.id,
    wechatAppId: merchant.wechatAppId,
    payNotifyUrl: `${receiver.url}/pay`,
    refundNotifyUrl: `${receiver.url}/refund`,
  };
  const registered = await byOperator(async () => await admin.registerApp(draft));
  receiver.trust(registered);
  const appWith = (salt: string) => new AppClient(gatewayUrl, { id: registered.id, salt });
  return { registered, app: appWith(registered.salt), appWith, receiver };
}

let operator: Promise<unknown> = Promise.resolve();

/** The operator is one person, who does one thing after the other. */
async function byOperator<T>(deed: () => Promise<T>): Promise<T> {
  const done = operator.then(deed, deed);
  operator = done;
  return await done;
}

/** An order that the payer has paid and that the gateway knows to be paid. */
export async function paidOrder(shop: Shop, parameters: Parameters = {}): Promise<CreatedOrder> {
  const order = dataOf(await shop.app.createOrder(parameters));
  await shop.sandbox.pay(order.orderNumber);
  await viewWhen(shop, order, "paid", (view) => view.pay_state === "2");
  return order;
}

/** The order as its app sees it. */
export async function viewOf(shop: Pick<Shop, "app">, order: CreatedOrder): Promise<OrderView> {
  return dataOf(await shop.app.order({ order_id: order.orderId }));
}

/** The order as its app sees it, as soon as it is as awaited. */
export async function viewWhen(
  shop: Pick<Shop, "app">,
  order: CreatedOrder,
  awaited: string,
  isAwaited: (view: OrderView) => boolean,
  deadlineMs = 60_000,
): Promise<OrderView> {
  return await eventually(
    `order ${order.orderNumber} to be ${awaited}`,
    async () => {
      const view = await viewOf(shop, order);
      return isAwaited(view) ? view : undefined;
    },
    deadlineMs,
  );
}
