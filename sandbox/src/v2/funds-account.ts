import type { FundsAccount } from "../ledger/refunds.ts";

const UNSETTLED = "REFUND_SOURCE_UNSETTLED_FUNDS";

/** Parses a `refund_account`; null stands for an absent one. */
export function parseRefundAccount(name: string | null): FundsAccount {
  return name === UNSETTLED ? "UNSETTLED" : "AVAILABLE";
}

/** The `refund_account` of an account. */
export function refundAccountOf(account: FundsAccount): string {
  return account === "UNSETTLED" ? UNSETTLED : "REFUND_SOURCE_RECHARGE_FUNDS";
}
