/** The parts of an order that both protocols have under different names. */
export interface OrderTerms {
  readonly description: string;
  readonly openid: string;
  readonly notifyUrl: string;
  readonly attach: string | null;
  readonly deviceInfo: string | null;
}
