import { setTimeout as sleep } from "node:timers/promises";
import { dataOf, type Parameters } from "../../testkit/app-client.ts";
import {
  bridgeParams,
  type CreatedOrder,
  type Envelope,
  type RequestedRefund,
} from "../../testkit/contract.ts";
import type { Chance } from "./random.ts";
import type { Shop } from "./shop.ts";

/** A refund that the app wants, whatever it takes. */
export interface Wish {
  readonly parameters: Parameters;
  /** The refund's number in each answer that had one: there must be one only. */
  readonly numbers: Set<string>;
  done: boolean;
}

/** What the app knows of an order that it wants. */
export interface Purchase {
  readonly shop: Shop;
  readonly appOrderNo: string;
  readonly totalFen: number;
  order: CreatedOrder | undefined;
  paid: boolean;
  readonly wishes: readonly Wish[];
}

/** A customer's page waits no longer. */
const PATIENCE_MS = 15_000;

/** How many answers of the gateway all customers have had. */
export const progress = { answers: 0 };

/** The share of orders that are never paid. */
const ABANDONED = 0.1;

/**
 * Goes on making orders, having them paid and refunded, until `signal` is aborted. A request that
 * fails, or never ends, is repeated later as it was: that is safe, says the contract.
 */
export async function shopUntil(
  signal: AbortSignal,
  shop: Shop,
  name: string,
  chance: Chance,
  purchases: Purchase[],
): Promise<void> {
  for (let count = 0; !signal.aborted; count += 1) {
    const purchase = begin(shop, `${name}-${count}`, chance);
    purchases.push(purchase);
    const abandoned = chance.happens(ABANDONED);
    while (!signal.aborted && !(await advance(purchase, abandoned))) {
      await sleep(chance.between(50, 400));
    }
    await sleep(chance.between(0, 300));
  }
}

function begin(shop: Shop, appOrderNo: string, chance: Chance): Purchase {
  const totalFen = 100;
  const plans: readonly (() => readonly Wish[])[] = [
    () => [],
    () => [wishFor({})],
    () => [wishFor({ refundFree: totalFen, appRefundNo: `${appOrderNo}-all` })],
    // The second waits its minute at the gateway.
    () => [
      wishFor({ refundFree: 30, appRefundNo: `${appOrderNo}-part` }),
      wishFor({ appRefundNo: `${appOrderNo}-rest` }),
    ],
  ];
  const wishes = plans[chance.between(0, plans.length - 1)]?.() ?? [];
  return { shop, appOrderNo, totalFen, order: undefined, paid: false, wishes };
}

function wishFor(parameters: Parameters): Wish {
  return { parameters, numbers: new Set(), done: false };
}

/** One try at all that is to be done next. Returns whether the customer goes on to another order. */
async function advance(purchase: Purchase, abandoned: boolean): Promise<boolean> {
  if (!(await tryOrder(purchase))) return false;
  if (abandoned) return true;
  await tryPay(purchase);
  if (!purchase.paid) return false;
  await tryRefunds(purchase);
  // What is held, or unknown, is asked for again at the end.
  return true;
}

/** Whether the order is there. */
async function tryOrder(purchase: Purchase): Promise<boolean> {
  const { shop, appOrderNo, totalFen } = purchase;
  if (purchase.order !== undefined) return true;
  const wish = { appOrderNo, totalFree: totalFen, desc: appOrderNo };
  const answer = await orNothing(async () => await shop.app.createOrder(wish));
  if (answer?.code === 501) throw new Error(`create-order: ${answer.errmsg}`);
  if (answer?.code !== 0) return false;
  purchase.order = answer.data;
  return true;
}

async function tryPay(purchase: Purchase): Promise<void> {
  const { shop, order } = purchase;
  if (order === undefined || purchase.paid) return;
  const bridge = bridgeParams.parse(JSON.parse(order.apiParams));
  await shop.sandbox.pay(order.orderNumber, { bridge });
  purchase.paid = true;
}

/** Asks once for each refund that hasn't been granted. Returns whether all have. */
export async function tryRefunds({ shop, order, wishes }: Purchase): Promise<boolean> {
  if (order === undefined) return true;
  for (const wish of wishes) {
    if (wish.done) continue;
    const answer = await orNothing(
      async () => await shop.app.refund(order.orderId, wish.parameters),
    );
    note(wish, answer);
  }
  return wishes.every(({ done }) => done);
}

function note(wish: Wish, answer: Envelope<RequestedRefund> | undefined): void {
  // 501: the payment isn't known yet, or what was asked for before holds the amount.
  if (answer?.code !== 0) return;
  wish.numbers.add(dataOf(answer).refund_no);
  wish.done = true;
}

/** The gateway isn't there, or goes in the middle: nothing is known. */
async function orNothing<T>(request: () => Promise<T>): Promise<T | undefined> {
  try {
    const limit = sleep(PATIENCE_MS, undefined, { ref: false });
    const answer = await Promise.race([request(), limit]);
    if (answer !== undefined) progress.answers += 1;
    return answer;
  } catch (error) {
    if (isOutage(error)) return undefined;
    throw error;
  }
}

/** No connection, a broken one, or wrangler's own page where the Worker's answer should be. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    error.message === "fetch failed" ||
    error.message === "terminated" ||
    /^HTTP 50\d/.test(error.message)
  );
}
