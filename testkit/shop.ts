import { randomBytes, randomInt } from "node:crypto";
import { AdminClient, type RegisteredApp, type V3Credentials } from "./admin-client.ts";
import { AppClient, dataOf, type Parameters } from "./app-client.ts";
import { AppReceiver, type AppKeys } from "./app-receiver.ts";
import type { CreatedOrder, OrderView, Protocol } from "./contract.ts";
import { API_CERTIFICATE, PLATFORM_CERTIFICATE } from "./demo-merchant.ts";
import { eventually } from "./eventually.ts";
import { SandboxClient } from "./sandbox-client.ts";
import type { StackAddress } from "./stack/stack.ts";

/** How a merchant's messages are signed, which implies its protocol: RSA is APIv3. */
export type SignType = "MD5" | "HMAC-SHA256" | "RSA";

/** A merchant that only WeChat (the sandbox) knows; it may use both protocols there. */
export interface WechatMerchant {
  readonly mchId: string;
  readonly apiKey: string;
  readonly apiV3Key: string;
  readonly wechatAppId: string;
}

/** A merchant that the gateway knows too. */
export interface Merchant extends WechatMerchant {
  readonly id: number;
  readonly signType: SignType;
  readonly protocol: Protocol;
}

/** One app: its registration, its client and the server that receives its callbacks. */
export interface ShopApp {
  readonly registered: RegisteredApp;
  readonly app: AppClient;
  /** The same app with another salt. */
  readonly appWith: (salt: string) => AppClient;
  readonly receiver: AppReceiver;
}

/** A merchant of its own with one app: what one test or one customer works with. */
export interface Shop extends ShopApp {
  readonly gatewayUrl: string;
  readonly merchant: Merchant;
  readonly admin: AdminClient;
  readonly sandbox: SandboxClient;
}

/** A server for the callbacks of an app, in this process or another. */
export interface CallbackServer {
  readonly url: string;
  trust(app: AppKeys): void | Promise<void>;
}

const VIEW_TIMEOUT_MS = 60_000;

/**
 * Registers a merchant at the sandbox and the gateway, and an app whose server is listening. The
 * caller stops `receiver`.
 */
export async function openShop(stack: StackAddress, signType: SignType): Promise<Shop> {
  const { gatewayUrl, sandboxUrl, adminToken } = stack;
  const admin = new AdminClient(gatewayUrl, adminToken);
  const sandbox = new SandboxClient(sandboxUrl);
  const merchant = await registerMerchant(admin, sandbox, signType);
  const base = { gatewayUrl, merchant, admin, sandbox };
  return { ...base, ...(await openApp(base)) };
}

/** Registers one more app of a shop's merchant, with a server of its own. */
export async function openApp(
  shop: Pick<Shop, "gatewayUrl" | "merchant" | "admin">,
): Promise<ShopApp> {
  const { gatewayUrl, merchant, admin } = shop;
  const receiver = await AppReceiver.start();
  const registered = await registerApp(admin, merchant, receiver);
  const appWith = (salt: string) => new AppClient(gatewayUrl, { id: registered.id, salt });
  return { registered, app: appWith(registered.salt), appWith, receiver };
}

/** Registers a new merchant at the sandbox and at the gateway. */
export async function registerMerchant(
  admin: AdminClient,
  sandbox: SandboxClient,
  signType: SignType,
): Promise<Merchant> {
  const account = await addWechatMerchant(sandbox);
  const { mchId, apiKey, apiV3Key } = account;
  const names = { name: `shop ${mchId}`, mchId };
  const draft =
    signType === "RSA"
      ? { ...names, protocol: "v3" as const, ...v3Credentials(apiV3Key) }
      : { ...names, protocol: "v2" as const, apiKey, signType };
  const { id } = await inSequence(async () => await admin.registerMerchant(draft));
  return { ...account, id, signType, protocol: draft.protocol };
}

/** Adds a merchant to the sandbox, with random keys and an official account. */
export async function addWechatMerchant(sandbox: SandboxClient): Promise<WechatMerchant> {
  const account = {
    mchId: `19${randomInt(1e8, 1e9)}`,
    apiKey: randomBytes(16).toString("hex"),
    apiV3Key: randomBytes(16).toString("hex"),
  };
  const wechatAppId = `wx${randomBytes(8).toString("hex")}`;
  const { certificate: merchantCertificate } = API_CERTIFICATE;
  await sandbox.addMerchant({ ...account, appIds: [wechatAppId], merchantCertificate });
  return { ...account, wechatAppId };
}

/** Registers an app; its callbacks go to the server's `/pay` and `/refund`, below `basePath`. */
export async function registerApp(
  admin: AdminClient,
  merchant: Pick<Merchant, "id" | "wechatAppId">,
  server: CallbackServer,
  basePath = "",
): Promise<RegisteredApp> {
  const draft = {
    name: "app",
    merchantId: merchant.id,
    wechatAppId: merchant.wechatAppId,
    payNotifyUrl: `${server.url}${basePath}/pay`,
    refundNotifyUrl: `${server.url}${basePath}/refund`,
  };
  const registered = await inSequence(async () => await admin.registerApp(draft));
  await server.trust(registered);
  return registered;
}

/** What the gateway needs to know of a merchant to use APIv3 for it. */
export function v3Credentials(apiV3Key: string): V3Credentials {
  const { serialNo: merchantSerialNo, privateKey: merchantPrivateKey } = API_CERTIFICATE;
  return { apiV3Key, merchantSerialNo, merchantPrivateKey, verifyKeys: [PLATFORM_CERTIFICATE] };
}

let lastOperation: Promise<unknown> = Promise.resolve();

/** Registers one after the other, as an operator does: these tests aren't about admin load. */
async function inSequence<T>(operation: () => Promise<T>): Promise<T> {
  const result = lastOperation.then(operation, operation);
  lastOperation = result;
  return await result;
}

/** An order that the payer has paid and that the gateway has recorded as paid. */
export async function paidOrder(shop: Shop, parameters: Parameters = {}): Promise<CreatedOrder> {
  const order = dataOf(await shop.app.createOrder(parameters));
  await shop.sandbox.pay(order.orderNumber);
  await waitForView(shop, order, "paid", (view) => view.pay_state === "2");
  return order;
}

/** The order as its app sees it. */
export async function viewOf(
  { app }: Pick<Shop, "app">,
  { orderId }: Pick<CreatedOrder, "orderId">,
): Promise<OrderView> {
  return dataOf(await app.order({ order_id: orderId }));
}

/** Whether the app has confirmed the payment's callback. */
export function isPaymentConfirmed(view: OrderView): boolean {
  return view.pay_notify_state === "2";
}

/** Whether the app has confirmed the latest refund's callback. */
export function isRefundConfirmed(view: OrderView): boolean {
  return view.ref_notify_state === "2";
}

/** Queries the order as its app until `matches`; returns that view. `awaited` is for the error. */
export async function waitForView(
  shop: Pick<Shop, "app">,
  order: CreatedOrder,
  awaited: string,
  matches: (view: OrderView) => boolean,
  timeoutMs = VIEW_TIMEOUT_MS,
): Promise<OrderView> {
  return await eventually(
    `order ${order.orderNumber} to be ${awaited}`,
    async () => {
      const view = await viewOf(shop, order);
      return matches(view) ? view : undefined;
    },
    timeoutMs,
  );
}
