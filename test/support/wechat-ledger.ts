/** The fake WeChat's records, and its answers to the five calls of APIv2. */

export type Fields = Readonly<Record<string, string>>;

export interface FakeOrder {
  /** The request that created the order: a repeat must be identical. */
  readonly request: string;
  readonly totalFen: number;
  readonly createdAt: number;
  state: "NOTPAY" | "SUCCESS" | "CLOSED";
  transactionId: string;
}

export interface FakeRefund {
  readonly orderNumber: string;
  readonly refundId: string;
  readonly refundFen: number;
  readonly createdAt: number;
  status: "PROCESSING" | "SUCCESS" | "REFUNDCLOSE" | "CHANGE";
}

export interface Ledger {
  readonly orders: Map<string, FakeOrder>;
  readonly refunds: Map<string, FakeRefund>;
}

export const WECHAT_CALLS = {
  "/pay/unifiedorder": prepay,
  "/pay/orderquery": queryPayment,
  "/pay/closeorder": closeOrder,
  "/secapi/pay/refund": requestRefund,
  "/pay/refundquery": queryRefund,
} as const satisfies Record<string, (ledger: Ledger, fields: Fields) => Fields>;

export type WechatPath = keyof typeof WECHAT_CALLS;

/** APIv2 refuses to close a younger order. */
const CLOSABLE_AFTER_MS = 300_000;

/** WeChat's minimum interval between two refunds of one order. */
const REFUND_GAP_MS = 60_000;

let lastNumber = 0;

/** A unique number in WeChat's form: 28 characters that begin with `head`. */
export function wechatNumber(head: string): string {
  lastNumber += 1;
  return head + String(lastNumber).padStart(28 - head.length, "0");
}

/** An answer with `result_code=FAIL`. */
export function refusal(code: string, message = `fake message of ${code}`): Fields {
  return { result_code: "FAIL", err_code: code, err_code_des: message };
}

function prepay(ledger: Ledger, fields: Fields): Fields {
  const { nonce_str: _nonce, sign: _sign, ...stable } = fields;
  const request = JSON.stringify(
    stable,
    Object.keys(stable).toSorted((a, b) => (a < b ? -1 : 1)),
  );
  const number = fields["out_trade_no"] ?? "";
  const existing = ledger.orders.get(number);
  if (existing !== undefined && existing.request !== request) {
    return refusal("INVALID_REQUEST", "商户订单号重复");
  }
  if (existing?.state === "SUCCESS") return refusal("ORDERPAID");
  if (existing?.state === "CLOSED") return refusal("ORDERCLOSED");
  if (existing === undefined) {
    ledger.orders.set(number, {
      request,
      totalFen: Number(fields["total_fee"]),
      createdAt: Date.now(),
      state: "NOTPAY",
      transactionId: "",
    });
  }
  return { prepay_id: wechatNumber("wx"), trade_type: "JSAPI" };
}

function queryPayment(ledger: Ledger, fields: Fields): Fields {
  const number = fields["out_trade_no"] ?? numberOfTransaction(ledger, fields);
  const order = ledger.orders.get(number);
  if (order === undefined) return refusal("ORDERNOTEXIST");
  if (order.state !== "SUCCESS") return { out_trade_no: number, trade_state: order.state };
  const refunded = [...ledger.refunds.values()].some((refund) => refund.orderNumber === number);
  return { ...paymentOf(number, order), trade_state: refunded ? "REFUND" : "SUCCESS" };
}

/** The number of the merchant's order that the transaction pays; empty without one. */
function numberOfTransaction(ledger: Ledger, fields: Fields): string {
  const found = [...ledger.orders].find(([, { transactionId, request }]) => {
    const { mch_id }: Fields = JSON.parse(request);
    return transactionId === fields["transaction_id"] && mch_id === fields["mch_id"];
  });
  return found?.[0] ?? "";
}

/** A payment's fields, the same in orderquery's answer and in the notification. */
export function paymentOf(number: string, order: FakeOrder): Fields {
  return {
    out_trade_no: number,
    transaction_id: order.transactionId,
    total_fee: String(order.totalFen),
    cash_fee: String(order.totalFen),
    fee_type: "CNY",
    trade_type: "JSAPI",
    bank_type: "CFT",
    is_subscribe: "N",
    openid: "oUpF8uMEb4qRXf22hE3X68TekukE",
    ...attachOf(order),
    time_end: "20400101120000",
  };
}

/** The order's own `attach`; an order without one has no such field. */
function attachOf({ request }: FakeOrder): Fields {
  const { attach }: Fields = JSON.parse(request);
  return attach === undefined ? {} : { attach };
}

function closeOrder(ledger: Ledger, fields: Fields): Fields {
  const order = ledger.orders.get(fields["out_trade_no"] ?? "");
  if (order === undefined) return refusal("ORDERNOTEXIST");
  if (order.state === "SUCCESS") return refusal("ORDERPAID");
  // APIv3's calls have no appid, and no minimum age (W-34).
  const minAgeMs = fields["appid"] === undefined ? 0 : CLOSABLE_AFTER_MS;
  if (Date.now() < order.createdAt + minAgeMs) return refusal("INVALID_REQUEST");
  order.state = "CLOSED";
  return {};
}

function requestRefund(ledger: Ledger, fields: Fields): Fields {
  const orderNumber = fields["out_trade_no"] ?? "";
  const refundNo = fields["out_refund_no"] ?? "";
  const refundFen = Number(fields["refund_fee"]);
  const order = ledger.orders.get(orderNumber);
  if (order?.state !== "SUCCESS") return refusal("ORDERNOTEXIST");
  if (Number(fields["total_fee"]) !== order.totalFen) return refusal("REFUND_FEE_MISMATCH");
  const existing = ledger.refunds.get(refundNo);
  if (existing !== undefined && existing.refundFen !== refundFen)
    return refusal("REFUND_FEE_MISMATCH");
  const live = [...ledger.refunds.values()]
    .filter((refund) => refund.orderNumber === orderNumber && refund.status !== "REFUNDCLOSE")
    .reduce((sum, refund) => sum + refund.refundFen, 0);
  if (existing === undefined && live + refundFen > order.totalFen)
    return refusal("INVALID_REQUEST");
  const tooSoon = [...ledger.refunds.values()].some(
    ({ orderNumber: of, createdAt }) =>
      of === orderNumber && Date.now() < createdAt + REFUND_GAP_MS,
  );
  if (existing === undefined && tooSoon) return refusal("FREQUENCY_LIMITED");
  const refund = existing ?? {
    orderNumber,
    refundId: wechatNumber("50"),
    refundFen,
    createdAt: Date.now(),
    status: "PROCESSING" as const,
  };
  ledger.refunds.set(refundNo, refund);
  return {
    out_trade_no: orderNumber,
    transaction_id: order.transactionId,
    out_refund_no: refundNo,
    refund_id: refund.refundId,
    refund_fee: String(refund.refundFen),
    total_fee: String(order.totalFen),
  };
}

/** WeChat lists at most ten refunds per answer. */
const PAGE_SIZE = 10;

/** One refund by out_refund_no, or an order's by out_trade_no from `offset` on. */
function queryRefund(ledger: Ledger, fields: Fields): Fields {
  const { out_refund_no: refundNo, out_trade_no: orderNumber, offset = "0" } = fields;
  const selected = [...ledger.refunds].filter(([number, refund]) =>
    refundNo === undefined ? refund.orderNumber === orderNumber : number === refundNo,
  );
  const page = selected.slice(Number(offset), Number(offset) + PAGE_SIZE);
  const [first] = page;
  if (first === undefined) return refusal(selected.length === 0 ? "REFUNDNOTEXIST" : "PARAM_ERROR");
  return {
    out_trade_no: first[1].orderNumber,
    refund_count: String(page.length),
    ...(selected.length > PAGE_SIZE && { total_refund_count: String(selected.length) }),
    ...Object.assign({}, ...page.map(([number, refund], index) => fieldsAt(index, number, refund))),
  };
}

function fieldsAt(index: number, refundNo: string, refund: FakeRefund): Fields {
  return {
    [`out_refund_no_${index}`]: refundNo,
    [`refund_id_${index}`]: refund.refundId,
    [`refund_fee_${index}`]: String(refund.refundFen),
    [`refund_status_${index}`]: refund.status,
    ...(refund.status === "SUCCESS" && { [`refund_success_time_${index}`]: "2040-01-01 12:00:00" }),
  };
}
