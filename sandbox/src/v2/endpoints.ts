import type { CommonCall } from "../ledger/fault-names.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import type { AuthenticatedCall } from "./call.ts";
import { close, CLOSE_FIELDS } from "./close.ts";
import type { FieldTable } from "./fields.ts";
import { prepay, PREPAY_FIELDS } from "./prepay.ts";
import { QUERY_PAYMENT_FIELDS, queryPayment } from "./query-payment.ts";
import { QUERY_REFUND_FIELDS, queryRefund } from "./query-refund.ts";
import { refund, REFUND_FIELDS } from "./refund.ts";
import type { ApiResponse } from "./response.ts";

interface Endpoint {
  readonly path: string;
  readonly fields: FieldTable;
  readonly execute: (ledger: LedgerTransaction, call: AuthenticatedCall) => ApiResponse;
}

/** The five common calls of APIv2. */
export const ENDPOINTS: Readonly<Record<CommonCall, Endpoint>> = {
  unifiedorder: { path: "/pay/unifiedorder", fields: PREPAY_FIELDS, execute: prepay },
  orderquery: { path: "/pay/orderquery", fields: QUERY_PAYMENT_FIELDS, execute: queryPayment },
  closeorder: { path: "/pay/closeorder", fields: CLOSE_FIELDS, execute: close },
  refund: { path: "/secapi/pay/refund", fields: REFUND_FIELDS, execute: refund },
  refundquery: { path: "/pay/refundquery", fields: QUERY_REFUND_FIELDS, execute: queryRefund },
};
