import { env } from "cloudflare:workers";
import { z } from "zod";
import { advance } from "../../support/clock.ts";
import { send } from "../../support/gateway.ts";
import {
  makeOrder,
  makePaidOrder,
  requestRefund,
  refundOf,
  runNextTimer,
  timerOf,
  type OrderRef,
} from "../../support/scenario.ts";
import { notifyPayment } from "../../support/notifications.ts";
import { openShop, openSibling, type Shop } from "../../support/shop.ts";
import { openScene, type Scene as GatewayScene } from "../../support/scene.ts";
import { API_V3_KEY, keys } from "../../wechat/v3/support/fixtures.ts";

/** An order, the number that its app gave it, and who it belongs to. */
export interface Owned extends OrderRef {
  readonly appOrderNo: string;
  readonly shop: Shop;
}

/** The gateway in the middle of its work: what hostile requests are aimed at. */
export interface Scene {
  readonly world: GatewayScene;
  /** Speaks APIv2. Its salt is the third that it has had. */
  readonly shop: Shop;
  /** Speaks APIv3; its APIv2 key is still there. */
  readonly v3: Shop;
  /** Another app of the shop's merchant. */
  readonly sibling: Shop;
  /** Another merchant's app. */
  readonly stranger: Shop;
  readonly disabled: Shop;
  readonly salts: {
    /** Before the shop's last rotation; valid for an hour still. */
    readonly fading: string;
    /** Before the rotation before. */
    readonly dropped: string;
    /** The sibling's before its rotation; run out, but still stored. */
    readonly expired: string;
  };
  readonly orders: {
    readonly waiting: Owned;
    readonly paid: Owned;
    readonly closed: Owned;
    readonly refunding: Owned;
    readonly ofV3: Owned;
    readonly ofSibling: Owned;
    readonly ofStranger: Owned;
  };
  /** The number of the only refund, of `refunding`. */
  readonly refundNo: string;
  /** All secrets that are or were in use, by name. */
  readonly secrets: ReadonlyMap<string, string>;
  /** The payers, who are in D1 by their openIds but nowhere else. */
  readonly openIds: ReadonlyMap<string, string>;
}

/** A number of an app's own that no other test has. */
export const APP_REFUND_NO = "hostile-refund-1";

/** Sets the scene: five apps, seven orders, three salts behind them, and an incident. */
export async function setScene(): Promise<Scene> {
  const world = await openScene("HMAC-SHA256");
  const first = world.shop;
  const [v3, stranger, disabled] = [
    await openShop("RSA"),
    await openShop("MD5"),
    await openShop("MD5"),
  ];
  for (const shop of [v3, stranger, disabled]) world.wechat.addMerchant(shop);
  const opened = await openSibling(first);
  const openIds = new Map<string, string>();

  const owned = async (name: string, shop: Shop, make = makePaidOrder): Promise<Owned> => {
    const openId = `oCanary${name}OpenId7f3b0c5e91`;
    openIds.set(`openId of ${name}`, openId);
    const appOrderNo = `hostile-${name}`;
    return { ...(await make({ ...world, shop }, { openId, appOrderNo })), appOrderNo, shop };
  };
  const closed = await owned("Closed", first, makeOrder);
  while ((await timerOf(closed, "poll-payment")) !== undefined) {
    await runNextTimer(closed, "poll-payment");
  }
  const orders = {
    closed,
    waiting: await owned("Waiting", first, makeOrder),
    paid: await owned("Paid", first),
    refunding: await owned("Refunding", first),
    ofV3: await owned("OfV3", v3),
    ofSibling: await owned("OfSibling", opened),
    ofStranger: await owned("OfStranger", stranger),
  };
  await requestRefund({ ...world, shop: first }, orders.refunding, { appRefundNo: APP_REFUND_NO });

  const paid = { ...world.wechat.order(orders.waiting.number), transactionId: "42-disputed" };
  if (await notifyPayment(first, orders.waiting.number, paid, { total_fee: "1" })) {
    throw new Error("the scene's incident is none");
  }

  const [one, two, theirs] = [
    await rotate(first, "salt", 1),
    await rotate(first, "salt", 3600),
    await rotate(opened, "salt", 60),
  ];
  const webhookSecret = await rotate(first, "webhook-secret", 3600);
  await asOperator("PATCH", `/admin/apps/${disabled.appId}`, { enabled: false });
  advance(61_000);
  const shop = { ...first, salt: two };
  const sibling = { ...opened, salt: theirs };
  const secrets = new Map([
    ["ADMIN_TOKEN", env.ADMIN_TOKEN],
    ["MASTER_KEY", env.MASTER_KEY],
    ["the fading salt", one],
    ["the new webhook secret", webhookSecret],
    ["the APIv3 key", API_V3_KEY],
    ...privateKeyLines(),
    ...[first, shop, sibling, opened, v3, stranger, disabled].flatMap(secretsOf),
  ]);
  return {
    world: { ...world, shop },
    shop,
    v3,
    sibling,
    stranger,
    disabled,
    salts: { fading: one, dropped: first.salt, expired: opened.salt },
    orders,
    refundNo: (await refundOf(orders.refunding)).number,
    secrets,
    openIds,
  };
}

function secretsOf({ appId, salt, apiKey, webhookSecret }: Shop): [string, string][] {
  return [
    [`salt ${salt.slice(-3)} of app ${appId}`, salt],
    [`APIv2 key of app ${appId}`, apiKey],
    [`webhook secret of app ${appId}`, webhookSecret],
  ];
}

/** Without the first line, which public keys begin with too. */
function privateKeyLines(): [string, string][] {
  const lines = keys.merchant.privateKey.split("\n").slice(2);
  return lines
    .filter((line) => /^[\w+/]{40,}=*$/.test(line))
    .map((line, at) => [`line ${at} of the private key`, line]);
}

async function rotate({ appId }: Shop, secret: string, overlapSeconds: number): Promise<string> {
  const path = `/admin/apps/${appId}/rotate-${secret}`;
  const answer = await asOperator("POST", path, { overlapSeconds });
  const { salt, webhookSecret } = z
    .object({ salt: z.string().optional(), webhookSecret: z.string().optional() })
    .parse(answer);
  return salt ?? webhookSecret ?? "";
}

async function asOperator(method: string, path: string, body: object): Promise<unknown> {
  const authorization = `Bearer ${env.ADMIN_TOKEN}`;
  const headers = { authorization, "content-type": "application/json" };
  const response = await send(path, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`the scene can't be set: ${await response.text()}`);
  return await response.json();
}
