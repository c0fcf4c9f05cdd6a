import { z } from "zod";
import type { AdminClient } from "../../testkit/admin-client.ts";

const notifyState = z.enum(["none", "failing", "confirmed"]);

const refund = z.object({
  number: z.string(),
  refundFen: z.int(),
  state: z.string(),
  refundId: z.string().nullable(),
  notifyState,
  notifyNumber: z.int(),
});
const order = z.object({
  id: z.int(),
  number: z.string(),
  appOrderNo: z.string().nullable(),
  totalFen: z.int(),
  payState: z.enum(["waiting", "failed", "paid"]),
  transactionId: z.string().nullable(),
  payNotifyState: notifyState,
  payNotifyNumber: z.int(),
});
const page = z.object({ items: z.array(order), nextCursor: z.int().nullable() });
const orderWithRefunds = order.extend({ refunds: z.array(refund) });

export type RecordedOrder = z.infer<typeof orderWithRefunds>;
export type RecordedRefund = z.infer<typeof refund>;

/** Every order in D1 with its refunds, from the admin API. */
export async function readRecord(admin: AdminClient): Promise<readonly RecordedOrder[]> {
  const orders: RecordedOrder[] = [];
  let cursor: number | null = null;
  do {
    const query: string = cursor === null ? "" : `&cursor=${cursor}`;
    const found: z.infer<typeof page> = await admin.call("GET", `/orders?limit=100${query}`, page);
    for (const { id } of found.items) {
      orders.push(await admin.call("GET", `/orders/${id}`, orderWithRefunds));
    }
    cursor = found.nextCursor;
  } while (cursor !== null);
  return orders;
}
