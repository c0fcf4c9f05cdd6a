import { setTimeout as sleep } from "node:timers/promises";
import { dataOf, type Parameters } from "../../testkit/app-client.ts";
import {
  bridgeParams,
  type CreatedOrder,
  type Envelope,
  type RequestedRefund,
} from "../../testkit/contract.ts";
import type { Shop } from "../../testkit/shop.ts";
import type { Random } from "./random.ts";

/** A refund that the app requests until it is accepted. */
export interface RefundRequest {
  readonly parameters: Parameters;
  /** The refund numbers in all answers: there must be only one. */
  readonly numbers: Set<string>;
  done: boolean;
}

/** What the app knows of an order that it requests. */
export interface Purchase {
  readonly shop: Shop;
  readonly appOrderNo: string;
  readonly totalFen: number;
  order: CreatedOrder | undefined;
  paid: boolean;
  readonly refunds: readonly RefundRequest[];
}

/** How long a customer's page waits for an answer. */
const REQUEST_TIMEOUT_MS = 15_000;

/** How many requests of all customers the gateway has answered. */
export const requests = { answered: 0 };

/** The share of orders that are never paid. */
const ABANDONED_SHARE = 0.1;

/**
 * Creates orders, pays and refunds them until `signal` is aborted. A request that fails or times out
 * is repeated unchanged, which the contract declares safe.
 */
export async function runCustomer(
  signal: AbortSignal,
  shop: Shop,
  name: string,
  random: Random,
  purchases: Purchase[],
): Promise<void> {
  for (let count = 0; !signal.aborted; count += 1) {
    const purchase = planPurchase(shop, `${name}-${count}`, random);
    purchases.push(purchase);
    const abandoned = random.happens(ABANDONED_SHARE);
    while (!signal.aborted && !(await advance(purchase, abandoned))) {
      await sleep(random.between(50, 400));
    }
    await sleep(random.between(0, 300));
  }
}

function planPurchase(shop: Shop, appOrderNo: string, random: Random): Purchase {
  const totalFen = 100;
  const plans: readonly (() => readonly RefundRequest[])[] = [
    () => [],
    () => [refundRequest({})],
    () => [refundRequest({ refundFree: totalFen, appRefundNo: `${appOrderNo}-all` })],
    // The gateway holds the second one for a minute.
    () => [
      refundRequest({ refundFree: 30, appRefundNo: `${appOrderNo}-part` }),
      refundRequest({ appRefundNo: `${appOrderNo}-rest` }),
    ],
  ];
  const refunds = plans[random.between(0, plans.length - 1)]?.() ?? [];
  return { shop, appOrderNo, totalFen, order: undefined, paid: false, refunds };
}

function refundRequest(parameters: Parameters): RefundRequest {
  return { parameters, numbers: new Set(), done: false };
}

/** Tries the next steps once. Returns whether the customer continues with another order. */
async function advance(purchase: Purchase, abandoned: boolean): Promise<boolean> {
  if (!(await tryOrder(purchase))) return false;
  if (abandoned) return true;
  await tryPay(purchase);
  if (!purchase.paid) return false;
  await tryRefunds(purchase);
  // Refunds that are held or unknown are requested again at the end.
  return true;
}

/** Returns whether the order exists. */
async function tryOrder(purchase: Purchase): Promise<boolean> {
  const { shop, appOrderNo, totalFen } = purchase;
  if (purchase.order !== undefined) return true;
  const parameters = { appOrderNo, totalFree: totalFen, desc: appOrderNo };
  const answer = await tryRequest(async () => await shop.app.createOrder(parameters));
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

/** Requests once each refund that hasn't been accepted. Returns whether all have been. */
export async function tryRefunds({ shop, order, refunds }: Purchase): Promise<boolean> {
  if (order === undefined) return true;
  for (const refund of refunds) {
    if (refund.done) continue;
    const answer = await tryRequest(
      async () => await shop.app.refund(order.orderId, refund.parameters),
    );
    recordAnswer(refund, answer);
  }
  return refunds.every(({ done }) => done);
}

function recordAnswer(refund: RefundRequest, answer: Envelope<RequestedRefund> | undefined): void {
  // 501: the payment isn't recorded yet, or an earlier refund has reserved the amount.
  if (answer?.code !== 0) return;
  refund.numbers.add(dataOf(answer).refund_no);
  refund.done = true;
}

/** Sends a request; undefined when the gateway is down, is killed meanwhile, or doesn't answer. */
async function tryRequest<T>(request: () => Promise<T>): Promise<T | undefined> {
  try {
    const timeout = sleep(REQUEST_TIMEOUT_MS, undefined, { ref: false });
    const answer = await Promise.race([request(), timeout]);
    if (answer !== undefined) requests.answered += 1;
    return answer;
  } catch (error) {
    if (isOutage(error)) return undefined;
    throw error;
  }
}

/** No connection, a broken one, or wrangler's error page instead of the Worker's answer. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    error.message === "fetch failed" ||
    error.message === "terminated" ||
    /^HTTP 50\d/.test(error.message)
  );
}
