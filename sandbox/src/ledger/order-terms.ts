/** What an order says, by whatever names its protocol says it. */
export interface OrderTerms {
  description: string;
  openid: string;
  notifyUrl: string;
  attach: string | null;
  deviceInfo: string | null;
}
