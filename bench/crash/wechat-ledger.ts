import { z } from "zod";

const refund = z.object({
  outRefundNo: z.string(),
  refundId: z.string(),
  outTradeNo: z.string(),
  refundFee: z.int(),
  status: z.enum(["PROCESSING", "SUCCESS", "CHANGE", "REFUNDCLOSE"]),
});
const order = z.object({
  outTradeNo: z.string(),
  totalFee: z.int(),
  state: z.enum(["NOTPAY", "SUCCESS", "REFUND", "CLOSED"]),
  transactionId: z.string().nullable(),
  paidAt: z.int().nullable(),
});
const state = z.object({
  orders: z.array(order),
  refunds: z.array(refund),
  notifications: z.array(z.object({ state: z.string(), attempts: z.array(z.unknown()) })),
});

/** What WeChat (the sandbox) has recorded: the reference of the comparison. */
export type Ledger = z.infer<typeof state>;
export type LedgerRefund = z.infer<typeof refund>;

export async function readLedger(sandboxUrl: string): Promise<Ledger> {
  const response = await fetch(`${sandboxUrl}/sandbox/api/state`);
  return state.parse(await response.json());
}
