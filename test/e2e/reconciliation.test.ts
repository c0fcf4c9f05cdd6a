import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { dataOf } from "../../testkit/app-client.ts";
import { eventually } from "../../testkit/eventually.ts";
import { isPaymentConfirmed, paidOrder, waitForView, type Shop } from "../../testkit/shop.ts";
import { openShop } from "./support/shop.ts";

const day = z.object({
  id: z.int(),
  state: z.enum(["running", "waiting", "done", "failed"]),
  reason: z.string().nullable(),
  billPayments: z.int(),
  billPaidFen: z.int(),
  billRefunds: z.int(),
  billRefundedFen: z.int(),
  ourPayments: z.int(),
  ourPaidFen: z.int(),
  ourRefunds: z.int(),
  ourRefundedFen: z.int(),
  foreignLines: z.int(),
  foreignFen: z.int(),
  recovered: z.int(),
  discrepancies: z.int(),
});

const incidents = z.object({
  items: z.array(z.object({ kind: z.string(), orderNumber: z.string().nullable() })),
});

/** Reconciles today's bill (Beijing time); waits for the end. */
async function reconcile({ admin, merchant }: Shop): Promise<z.infer<typeof day>> {
  const today = new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10);
  const started = await admin.call("POST", "/reconciliations", day, {
    merchantId: merchant.id,
    day: today,
  });
  return await eventually("the day to be compared", async () => {
    const row = await admin.call("GET", `/reconciliations/${started.id}`, day);
    return row.state === "running" ? undefined : row;
  });
}

/** The incidents of this merchant. */
async function incidentsOf({ admin, merchant }: Shop): Promise<string[]> {
  const path = `/incidents?merchantId=${merchant.id}&limit=100`;
  const { items } = await admin.call("GET", path, incidents);
  return items.map(({ kind, orderNumber }) => `${kind} ${orderNumber ?? ""}`.trim()).toSorted();
}

test("reconciliation: the bill agrees, and a payment that was missed is recovered", async (t) => {
  const shop = await openShop(t);
  const refunded = await paidOrder(shop, { totalFree: 300 });
  dataOf(await shop.app.refund(refunded.orderId, { refundFree: 120, appRefundNo: "part" }));
  const missed = dataOf(await shop.app.createOrder({ totalFree: 50 }));
  const { orderNumber: outTradeNo } = missed;
  await shop.sandbox.addFault({ on: "notification", kind: "pay", fault: "never", outTradeNo });
  await shop.sandbox.pay(outTradeNo);

  expect(await reconcile(shop)).toMatchObject({
    state: "done",
    billPayments: 2,
    billPaidFen: 350,
    billRefunds: 1,
    billRefundedFen: 120,
    ourPayments: 2,
    ourPaidFen: 350,
    ourRefunds: 1,
    ourRefundedFen: 120,
    recovered: 1,
    discrepancies: 0,
  });
  const view = await waitForView(shop, missed, "confirmed", isPaymentConfirmed);
  expect(view).toMatchObject({ pay_state: "2" });
  expect(await incidentsOf(shop)).toEqual([]);
});

test("reconciliation: each discrepancy becomes an incident", async (t) => {
  const shop = await openShop(t);
  const { mchId } = shop.merchant;
  const unlisted = await paidOrder(shop);
  const other = await paidOrder(shop);
  // A payment of a moment ago may be absent from today's bill.
  await sleep(6_000);
  const missing = { fault: "missing-line", outTradeNo: unlisted.orderNumber } as const;
  const wrong = { fault: "wrong-amount", outTradeNo: other.orderNumber } as const;
  // One could be an order that the gateway has lost; the other is another system's.
  const lost = { fault: "extra-line", outTradeNo: "0123456789abcdef0123456789abcdef" } as const;
  const foreign = { fault: "extra-line" } as const;
  for (const one of [missing, wrong, lost, foreign]) {
    await shop.sandbox.addBillFault({ ...one, mchId });
  }
  expect(await reconcile(shop)).toMatchObject({
    state: "done",
    foreignLines: 1,
    foreignFen: 100,
    recovered: 0,
    discrepancies: 3,
  });
  const found = await incidentsOf(shop);
  expect(found).toEqual([
    `bill_amount_differs ${other.orderNumber}`,
    `bill_line_missing ${unlisted.orderNumber}`,
    `bill_line_unknown ${lost.outTradeNo}`,
  ]);
});

test("reconciliation: waits while the bill is being created or is truncated", async (t) => {
  const shop = await openShop(t);
  await paidOrder(shop);
  for (const fault of ["creating", "truncated"] as const) {
    await shop.sandbox.addBillFault({ fault, mchId: shop.merchant.mchId });
    expect(await reconcile(shop)).toMatchObject({ state: "waiting", billPayments: 0 });
  }
  expect(await reconcile(shop)).toMatchObject({ state: "done", billPayments: 1 });
  expect(await incidentsOf(shop)).toEqual([]);
});
