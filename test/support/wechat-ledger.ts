/** What the fake WeChat remembers, and what it answers to the five calls of APIv2. */

export type Fields = Readonly<Record<string, string>>;

export interface FakeOrder {
  /** What the order was made with: a repeat must carry the same. */
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
  "/pay/unifiedorder": prepare,
  "/pay/orderquery": tellPayment,
  "/pay/closeorder": close,
  "/secapi/pay/refund": takeRefund,
  "/pay/refundquery": tellRefund,
} as const satisfies Record<string, (ledger: Ledger, fields: Fields) => Fields>;

export type WechatPath = keyof typeof WECHAT_CALLS;

/** WeChat refuses to close an order younger than this. */
const CLOSABLE_AFTER_MS = 300_000;

/** WeChat wants the refunds of one order this far apart. */
const REFUND_GAP_MS = 60_000;

let lastNumber = 0;

/** A number as WeChat gives them: 28 digits, never the same twice. */
export function wechatNumber(head: string): string {
  lastNumber += 1;
  return head + String(lastNumber).padStart(28 - head.length, "0");
}

/** An answer with `result_code=FAIL`. */
export function refusal(code: string, message = `the fake says ${code}`): Fields {
  return { result_code: "FAIL", err_code: code, err_code_des: message };
}

function prepare(ledger: Ledger, fields: Fields): Fields {
  const { nonce_str: _nonce, sign: _sign, ...lasting } = fields;
  const request = JSON.stringify(
    lasting,
    Object.keys(lasting).toSorted((a, b) => (a < b ? -1 : 1)),
  );
  const number = fields["out_trade_no"] ?? "";
  const known = ledger.orders.get(number);
  if (known !== undefined && known.request !== request) {
    return refusal("INVALID_REQUEST", "商户订单号重复");
  }
  if (known?.state === "SUCCESS") return refusal("ORDERPAID");
  if (known?.state === "CLOSED") return refusal("ORDERCLOSED");
  if (known === undefined) {
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

function tellPayment(ledger: Ledger, fields: Fields): Fields {
  const number = fields["out_trade_no"] ?? "";
  const order = ledger.orders.get(number);
  if (order === undefined) return refusal("ORDERNOTEXIST");
  if (order.state !== "SUCCESS") return { out_trade_no: number, trade_state: order.state };
  const refunded = [...ledger.refunds.values()].some((refund) => refund.orderNumber === number);
  return { ...paymentOf(number, order), trade_state: refunded ? "REFUND" : "SUCCESS" };
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

/** What the order was made with comes back; an order without it has no such field. */
function attachOf({ request }: FakeOrder): Fields {
  const { attach }: Fields = JSON.parse(request);
  return attach === undefined ? {} : { attach };
}

function close(ledger: Ledger, fields: Fields): Fields {
  const order = ledger.orders.get(fields["out_trade_no"] ?? "");
  if (order === undefined) return refusal("ORDERNOTEXIST");
  if (order.state === "SUCCESS") return refusal("ORDERPAID");
  if (Date.now() < order.createdAt + CLOSABLE_AFTER_MS) return refusal("INVALID_REQUEST");
  order.state = "CLOSED";
  return {};
}

function takeRefund(ledger: Ledger, fields: Fields): Fields {
  const orderNumber = fields["out_trade_no"] ?? "";
  const refundNo = fields["out_refund_no"] ?? "";
  const refundFen = Number(fields["refund_fee"]);
  const order = ledger.orders.get(orderNumber);
  if (order?.state !== "SUCCESS") return refusal("ORDERNOTEXIST");
  if (Number(fields["total_fee"]) !== order.totalFen) return refusal("REFUND_FEE_MISMATCH");
  const known = ledger.refunds.get(refundNo);
  if (known !== undefined && known.refundFen !== refundFen) return refusal("REFUND_FEE_MISMATCH");
  const live = [...ledger.refunds.values()]
    .filter((refund) => refund.orderNumber === orderNumber && refund.status !== "REFUNDCLOSE")
    .reduce((sum, refund) => sum + refund.refundFen, 0);
  if (known === undefined && live + refundFen > order.totalFen) return refusal("INVALID_REQUEST");
  const tooSoon = [...ledger.refunds.values()].some(
    ({ orderNumber: of, createdAt }) =>
      of === orderNumber && Date.now() < createdAt + REFUND_GAP_MS,
  );
  if (known === undefined && tooSoon) return refusal("FREQUENCY_LIMITED");
  const refund = known ?? {
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

function tellRefund(ledger: Ledger, fields: Fields): Fields {
  const refundNo = fields["out_refund_no"] ?? "";
  const refund = ledger.refunds.get(refundNo);
  if (refund === undefined) return refusal("REFUNDNOTEXIST");
  return {
    out_trade_no: refund.orderNumber,
    refund_count: "1",
    out_refund_no_0: refundNo,
    refund_id_0: refund.refundId,
    refund_fee_0: String(refund.refundFen),
    refund_status_0: refund.status,
    ...(refund.status === "SUCCESS" ? { refund_success_time_0: "2040-01-01 12:00:00" } : {}),
  };
}
