import type { Books } from "../ledger/books.ts";
import { notifyPaymentTooEarly } from "../ledger/notify.ts";
import { addPrepay, findOrder, insertOrder, type Order } from "../ledger/orders.ts";
import { done, refused, rejected, type Answer } from "../protocol/answers.ts";
import { newPrepayId, newTransactionId } from "../protocol/ids.ts";
import { parseBeijingCompact } from "../protocol/time.ts";
import type { ApiRequest } from "./request.ts";
import { businessParams, sameParams } from "./repeat.ts";

// A reply of WeChat's said that all but card payments need at least 5 minutes.
const SHORTEST_LIFE_MS = 5 * 60 * 1000;

/**
 * POST /pay/unifiedorder. The first call makes the order; a repeat with identical parameters gives
 * a new prepay_id for it. WeChat docs: unifiedorder.
 */
export function unifiedOrder(books: Books, request: ApiRequest): Answer {
  const { merchant, params } = request;
  const order = findOrder(books.sql, merchant.mchId, params.get("out_trade_no") ?? "");
  return order === undefined ? first(books, request) : repeat(books, request, order);
}

function first(books: Books, { merchant, signType, params }: ApiRequest): Answer {
  const { sql, now } = books;
  const expiresAt = parseBeijingCompact(params.get("time_expire") ?? "");
  if (expiresAt !== undefined && expiresAt < now + SHORTEST_LIFE_MS) {
    return rejected("PARAM_ERROR", "time_expire时间过短,刷卡至少1分钟,其他5分钟");
  }
  const order: Order = {
    mchId: merchant.mchId,
    outTradeNo: params.get("out_trade_no") ?? "",
    appId: params.get("appid") ?? "",
    signType,
    params: businessParams(params),
    totalFee: Number(params.get("total_fee")),
    state: "NOTPAY",
    transactionId: newTransactionId(now),
    prepayCalls: 0,
    createdAt: now,
    expiresAt: expiresAt ?? null,
    paidAt: null,
  };
  insertOrder(sql, order);
  notifyPaymentTooEarly(books, order);
  return prepay(books, order);
}

function repeat(books: Books, { signType, params }: ApiRequest, order: Order): Answer {
  switch (order.state) {
    case "SUCCESS":
    case "REFUND":
      return refused("ORDERPAID", "该订单已支付");
    case "CLOSED":
      return refused("ORDERCLOSED", "该订单已关闭");
    case "NOTPAY":
      break;
  }
  // Which parameters WeChat compares is not published: the sandbox compares all that can matter.
  if (order.signType !== signType || !sameParams(order.params, businessParams(params))) {
    return refused("INVALID_REQUEST", "请求重入时,参数与首次请求时不一致");
  }
  return prepay(books, order);
}

function prepay({ sql, now }: Books, order: Order): Answer {
  const prepayId = newPrepayId(now);
  addPrepay(sql, order, prepayId, now);
  const deviceInfo = order.params["device_info"];
  return done([
    ...(deviceInfo === undefined ? [] : ([["device_info", deviceInfo]] as [string, string][])),
    ["trade_type", "JSAPI"],
    ["prepay_id", prepayId],
  ]);
}
