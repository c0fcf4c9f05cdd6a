import { env } from "cloudflare:workers";
import { z } from "zod";
import { advance } from "../../support/clock.ts";
import { send } from "../../support/gateway.ts";
import {
  makeOrder,
  makePaidOrder,
  refund,
  refundOf,
  runNext,
  timerOf,
  type Made,
} from "../../support/life.ts";
import { notifyPayment } from "../../support/notices.ts";
import { openShop, openSibling, type Shop } from "../../support/shop.ts";
import { openWorld, type World } from "../../support/world.ts";
import { API_V3_KEY, keys } from "../../wechat/v3/support/fixtures.ts";

/** An order with its app's own number and its app. */
export interface OwnedOrder extends Made {
  readonly appOrderNo: string;
  readonly shop: Shop;
}

/** The gateway's data that the hostile requests try to reach. */
export interface Target {
  readonly world: World;
  /** An app of an APIv2 merchant; its salt was rotated twice. */
  readonly shop: Shop;
  /** An app of an APIv3 merchant that still has its APIv2 key. */
  readonly v3: Shop;
  /** Another app of the same merchant as `shop`. */
  readonly sibling: Shop;
  /** An app of another merchant. */
  readonly unrelated: Shop;
  readonly disabled: Shop;
  readonly salts: {
    /** The shop's salt before the last rotation, valid for another hour. */
    readonly expiring: string;
    /** The shop's first salt, dropped by the second rotation. */
    readonly dropped: string;
    /** The sibling's salt before its rotation: expired, but still stored. */
    readonly expired: string;
  };
  readonly orders: {
    readonly waiting: OwnedOrder;
    readonly paid: OwnedOrder;
    readonly closed: OwnedOrder;
    readonly refunding: OwnedOrder;
    readonly ofV3: OwnedOrder;
    readonly ofSibling: OwnedOrder;
    readonly ofUnrelated: OwnedOrder;
  };
  /** The number of the only refund; its order is `refunding`. */
  readonly refundNo: string;
  /** All current and former secrets, by name. */
  readonly secrets: ReadonlyMap<string, string>;
  /** The payers' openIds, by order. D1 stores them; no other output may have them. */
  readonly openIds: ReadonlyMap<string, string>;
}

/** The app's own number of the only refund. */
export const APP_REFUND_NO = "hostile-refund-1";

/** Creates five apps, seven orders, a refund, three replaced salts and an incident. */
export async function setUpTarget(): Promise<Target> {
  const world = await openWorld("HMAC-SHA256");
  const first = world.shop;
  const [v3, unrelated, disabled] = [
    await openShop("RSA"),
    await openShop("MD5"),
    await openShop("MD5"),
  ];
  for (const shop of [v3, unrelated, disabled]) world.wechat.admit(shop);
  const opened = await openSibling(first);
  const openIds = new Map<string, string>();

  const createOwned = async (
    name: string,
    shop: Shop,
    make = makePaidOrder,
  ): Promise<OwnedOrder> => {
    const openId = `oCanary${name}OpenId7f3b0c5e91`;
    openIds.set(`openId of ${name}`, openId);
    const appOrderNo = `hostile-${name}`;
    return { ...(await make({ ...world, shop }, { openId, appOrderNo })), appOrderNo, shop };
  };
  const closed = await createOwned("Closed", first, makeOrder);
  while ((await timerOf(closed, "poll-payment")) !== undefined) {
    await runNext(closed, "poll-payment");
  }
  const orders = {
    closed,
    waiting: await createOwned("Waiting", first, makeOrder),
    paid: await createOwned("Paid", first),
    refunding: await createOwned("Refunding", first),
    ofV3: await createOwned("OfV3", v3),
    ofSibling: await createOwned("OfSibling", opened),
    ofUnrelated: await createOwned("OfUnrelated", unrelated),
  };
  await refund({ ...world, shop: first }, orders.refunding, { appRefundNo: APP_REFUND_NO });

  const paid = { ...world.wechat.order(orders.waiting.number), transactionId: "42-disputed" };
  if (await notifyPayment(first, orders.waiting.number, paid, { total_fee: "1" })) {
    throw new Error("the contradicting payment was acknowledged");
  }

  const [secondSalt, thirdSalt, siblingSalt] = [
    await rotate(first, "salt", 1),
    await rotate(first, "salt", 3600),
    await rotate(opened, "salt", 60),
  ];
  const webhookSecret = await rotate(first, "webhook-secret", 3600);
  await asOperator("PATCH", `/admin/apps/${disabled.appId}`, { enabled: false });
  advance(61_000);
  const shop = { ...first, salt: thirdSalt };
  const sibling = { ...opened, salt: siblingSalt };
  const secrets = new Map([
    ["ADMIN_TOKEN", env.ADMIN_TOKEN],
    ["MASTER_KEY", env.MASTER_KEY],
    ["the expiring salt", secondSalt],
    ["the new webhook secret", webhookSecret],
    ["the APIv3 key", API_V3_KEY],
    ...privateKeyLines(),
    ...[first, shop, sibling, opened, v3, unrelated, disabled].flatMap(secretsOf),
  ]);
  return {
    world: { ...world, shop },
    shop,
    v3,
    sibling,
    unrelated,
    disabled,
    salts: { expiring: secondSalt, dropped: first.salt, expired: opened.salt },
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

/** Without the first line, which public keys share. */
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
  if (!response.ok) throw new Error(`the target can't be set up: ${await response.text()}`);
  return await response.json();
}
