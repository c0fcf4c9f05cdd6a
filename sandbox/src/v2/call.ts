import type { Merchant } from "../ledger/merchants.ts";
import type { SignType } from "./sign.ts";

/** A call with a verified sign. */
export interface AuthenticatedCall {
  readonly merchant: Merchant;
  readonly signType: SignType;
  /** All parameters that have a value, including `sign`. */
  readonly params: ReadonlyMap<string, string>;
}
