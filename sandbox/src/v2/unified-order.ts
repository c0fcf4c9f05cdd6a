import type { Books } from "../ledger/books.ts";
import { placeOrder } from "../rules/place-order.ts";
import { parseBeijingCompact } from "../protocol/time.ts";
import { done, type Answer } from "./answers.ts";
import { businessParams } from "./params.ts";
import { REFUSALS } from "./refusals.ts";
import type { ApiRequest } from "./request.ts";

// A reply of WeChat's said that all but card payments need at least 5 minutes.
const SHORTEST_LIFE_MS = 5 * 60 * 1000;

/** POST /pay/unifiedorder. WeChat docs: unifiedorder. */
export function unifiedOrder(books: Books, { merchant, signType, params }: ApiRequest): Answer {
  const deviceInfo = params.get("device_info");
  const ruling = placeOrder(books, {
    mchId: merchant.mchId,
    appId: params.get("appid") ?? "",
    outTradeNo: params.get("out_trade_no") ?? "",
    totalFee: Number(params.get("total_fee")),
    terms: {
      description: params.get("body") ?? "",
      openid: params.get("openid") ?? "",
      notifyUrl: params.get("notify_url") ?? "",
      attach: params.get("attach") ?? null,
      deviceInfo: deviceInfo ?? null,
    },
    signType,
    serialNo: null,
    params: businessParams(params),
    expiresAt: parseBeijingCompact(params.get("time_expire") ?? "") ?? null,
    shortestLifeMs: SHORTEST_LIFE_MS,
  });
  if (!ruling.ok) return REFUSALS[ruling.refusal];
  return done([
    ...(deviceInfo === undefined ? [] : ([["device_info", deviceInfo]] as [string, string][])),
    ["trade_type", "JSAPI"],
    ["prepay_id", ruling.value.prepayId],
  ]);
}
