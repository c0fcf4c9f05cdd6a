import type { Books } from "../ledger/books.ts";
import { closeOrder } from "../rules/close-order.ts";
import { locateOrder } from "../rules/find-order.ts";
import { placeOrder } from "../rules/place-order.ts";
import { parseRfc3339 } from "../protocol/time.ts";
import { done, type Answer } from "./answers.ts";
import type { JsapiBody } from "./bodies.ts";
import { flat } from "./flat.ts";
import { REFUSALS } from "./refusals.ts";
import { orderResource } from "./resources.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** POST /v3/pay/transactions/jsapi. WeChat docs: APIv3, JSAPI order. */
export function jsapi(books: Books, body: JsapiBody, serialNo: string): Answer {
  const ruling = placeOrder(books, {
    mchId: body.mchid,
    appId: body.appid,
    outTradeNo: body.out_trade_no,
    totalFee: body.amount.total,
    terms: {
      description: body.description,
      openid: body.payer.openid,
      notifyUrl: body.notify_url,
      attach: body.attach ?? null,
      deviceInfo: body.scene_info?.device_id ?? null,
    },
    signType: "RSA",
    serialNo,
    params: flat(body),
    expiresAt: expiry(body.time_expire, books.now),
    shortestLifeMs: 0,
  });
  return ruling.ok ? done({ prepay_id: ruling.value.prepayId }) : REFUSALS[ruling.refusal];
}

/** GET …/out-trade-no/{n} and …/id/{n}. WeChat docs: APIv3, order query. */
export function queryOrder(
  books: Books,
  mchId: string,
  numbers: { outTradeNo?: string; transactionId?: string },
): Answer {
  const { outTradeNo, transactionId } = numbers;
  const ruling = locateOrder(books, mchId, { outTradeNo, transactionId });
  return ruling.ok ? done(orderResource(ruling.value)) : REFUSALS[ruling.refusal];
}

/** POST …/out-trade-no/{n}/close. WeChat docs: APIv3, closing an order. */
export function close(books: Books, mchId: string, outTradeNo: string): Answer {
  const found = locateOrder(books, mchId, { outTradeNo, transactionId: undefined });
  if (!found.ok) return REFUSALS[found.refusal];
  const ruling = closeOrder(books, found.value);
  return ruling.ok ? { kind: "empty" } : REFUSALS[ruling.refusal];
}

/** WeChat raises less than a minute to a minute, and cuts more than 15 days down to 15 days. */
function expiry(timeExpire: string | undefined, now: number): number | null {
  if (timeExpire === undefined) return null;
  const asked = parseRfc3339(timeExpire) ?? now;
  return Math.min(Math.max(asked, now + MINUTE_MS), now + 15 * DAY_MS);
}
