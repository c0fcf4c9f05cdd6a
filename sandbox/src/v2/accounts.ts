import type { FundsAccount } from "../ledger/refunds.ts";

const UNSETTLED = "REFUND_SOURCE_UNSETTLED_FUNDS";

/** The account that a `refund_account` names. */
export function fundsAccount(name: string | undefined): FundsAccount {
  return name === UNSETTLED ? "UNSETTLED" : "AVAILABLE";
}

/** What APIv2 calls an account. */
export function refundAccount(account: FundsAccount): string {
  return account === "UNSETTLED" ? UNSETTLED : "REFUND_SOURCE_RECHARGE_FUNDS";
}
