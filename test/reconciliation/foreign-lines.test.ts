import { afterEach, describe, expect, test, vi } from "vitest";
import { MAX_LISTED_DIFFERENCES } from "../../src/reconciliation/incidents.ts";
import { MAX_UNREADABLE_LINES } from "../../src/reconciliation/ingest.ts";
import { randomHex32 } from "../../src/lib/random.ts";
import { makePaidOrder, refundOf, requestRefund, rowOf } from "../support/scenario.ts";
import { openShop } from "../support/shop.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";
import {
  billOf,
  incidentsOf,
  READY_AT,
  reconciliationOf,
  runDay,
  serveBills,
  type Trade,
} from "./support.ts";

afterEach(closeScene);

const FOREIGN_APP = "wx-of-another-system";

async function reconcile(scene: Scene, text: string): Promise<void> {
  vi.setSystemTime(READY_AT);
  serveBills(scene).respondWith({ kind: "bill", text });
  await runDay(scene.shop);
}

/** Payments of another system: every second one by its number, every other one by its appid. */
function foreignPayments({ shop }: Scene, count: number, fen = 3): Trade[] {
  return Array.from({ length: count }, (_, index) => ({
    ...(index % 2 === 0
      ? { number: `SHOP${String(index).padStart(10, "0")}`, wechatAppId: shop.wechatAppId }
      : { number: randomHex32(), wechatAppId: FOREIGN_APP }),
    transactionId: `4200${index}`,
    fen,
  }));
}

async function paidTrade(scene: Scene, changes: object = {}): Promise<Trade> {
  const order = await makePaidOrder(scene);
  const { number, transactionId, totalFen, wechatAppId } = await rowOf(order);
  return { number, transactionId: transactionId ?? "", wechatAppId, fen: totalFen, ...changes };
}

/** Kind and order of all incidents, in the order in which they were opened. */
async function listed({ shop }: Scene): Promise<(string | null)[][]> {
  return (await incidentsOf(shop)).map(({ kind, orderNumber }) => [kind, orderNumber]);
}

describe("bill comparison, a merchant number shared with other systems", () => {
  test("10,000 foreign lines and one wrong amount of ours are one incident, ours", async () => {
    const scene = await openScene();
    const foreign = foreignPayments(scene, 10_000);
    const wrong = await paidTrade(scene, { fen: 99 });
    await reconcile(scene, billOf(scene.shop, [...foreign, wrong]));
    expect(await listed(scene)).toEqual([["bill_amount_differs", wrong.number]]);
    expect(await reconciliationOf(scene.shop)).toMatchObject({
      state: "done",
      billPayments: 10_001,
      billPaidFen: 30_099,
      ourPayments: 1,
      ourPaidFen: 100,
      foreignLines: 10_000,
      foreignFen: 30_000,
      foreignRefundFen: 0,
      recovered: 0,
      discrepancies: 1,
    });
    expect(scene.wechat.callsOf("/pay/orderquery")).toEqual([]);
  });

  test("sums refunds of foreign payments apart, whatever their numbers look like", async () => {
    const scene = await openScene();
    const refund = { transactionId: "42", refundFen: 7, status: "SUCCESS" } as const;
    const trades: Trade[] = [
      { ...refund, number: "SHOP1", refundNo: randomHex32(), wechatAppId: scene.shop.wechatAppId },
      { ...refund, number: randomHex32(), refundNo: randomHex32(), wechatAppId: FOREIGN_APP },
      { ...refund, number: "SHOP2", refundNo: "R2" },
      ...foreignPayments(scene, 2, 20),
    ];
    await reconcile(scene, billOf(scene.shop, trades));
    expect(await listed(scene)).toEqual([]);
    expect(await reconciliationOf(scene.shop)).toMatchObject({
      billRefundedFen: 21,
      foreignLines: 5,
      foreignFen: 40,
      foreignRefundFen: 21,
      discrepancies: 0,
    });
  });

  test("an order that the record has is ours, whatever appid the bill gives it", async () => {
    const scene = await openScene();
    const order = await paidTrade(scene, { wechatAppId: FOREIGN_APP });
    await reconcile(scene, billOf(scene.shop, [order]));
    const [incident, ...more] = await incidentsOf(scene.shop);
    expect(more).toEqual([]);
    expect(incident).toMatchObject({
      kind: "bill_amount_differs",
      orderNumber: order.number,
      facts: { wechatAppId: FOREIGN_APP, ourWechatAppId: scene.shop.wechatAppId },
    });
    expect(await reconciliationOf(scene.shop)).toMatchObject({ foreignLines: 0, ourPayments: 1 });
  });

  test("a refund that the record has is ours, under whatever order the bill has it", async () => {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    await requestRefund(scene, order);
    const { number: refundNo, refundFen } = await refundOf(order);
    const { transactionId } = await rowOf(order);
    const common = { transactionId: transactionId ?? "", wechatAppId: FOREIGN_APP };
    await reconcile(
      scene,
      billOf(scene.shop, [
        { number: order.number, transactionId: common.transactionId, fen: 100 },
        { ...common, number: "SHOP1", refundNo, refundFen, status: "PROCESSING" },
      ]),
    );
    expect(await incidentsOf(scene.shop)).toMatchObject([{ kind: "bill_amount_differs" }]);
    expect(await reconciliationOf(scene.shop)).toMatchObject({ foreignLines: 0 });
  });

  test("a lost order of any app of ours is still an incident", async () => {
    const scene = await openScene();
    // The app of another merchant: an app may have changed its merchant since.
    const { wechatAppId } = await openShop();
    const lost = { number: randomHex32(), transactionId: "42", wechatAppId, fen: 5 };
    await reconcile(scene, billOf(scene.shop, [lost]));
    expect(await listed(scene)).toEqual([["bill_line_unknown", lost.number]]);
  });

  test("lists all differences of our orders before trades that may be ours", async () => {
    const scene = await openScene();
    const unrecorded = Array.from({ length: MAX_LISTED_DIFFERENCES + 50 }, (_, index) => ({
      number: randomHex32(),
      transactionId: `42${index}`,
      fen: 1,
      wechatAppId: scene.shop.wechatAppId,
    }));
    const wrong = await paidTrade(scene, { fen: 1 });
    const { number: missing } = await paidTrade(scene);
    await reconcile(scene, billOf(scene.shop, [...unrecorded, wrong]));
    const found = await listed(scene);
    expect(found.slice(0, 2)).toEqual([
      ["bill_amount_differs", wrong.number],
      ["bill_line_missing", missing],
    ]);
    expect(found.slice(2, MAX_LISTED_DIFFERENCES)).toEqual(
      unrecorded
        .slice(0, MAX_LISTED_DIFFERENCES - 2)
        .map(({ number }) => ["bill_line_unknown", number]),
    );
    expect(found.slice(MAX_LISTED_DIFFERENCES)).toEqual([["bill_too_many_differences", null]]);
    expect(await reconciliationOf(scene.shop)).toMatchObject({
      discrepancies: unrecorded.length + 2,
    });
  });

  test("many unreadable lines of another system don't fail the day", async () => {
    const scene = await openScene();
    const foreign = Array.from({ length: MAX_UNREADABLE_LINES + 2 }, (_, index) => ({
      number: `SHOP${index}`,
      transactionId: `42${index}`,
      fen: 3,
    }));
    const ours = await paidTrade(scene);
    const text = billOf(scene.shop, [...foreign, ours]).replaceAll("`0.03", "`0.03 USD");
    await reconcile(scene, text);
    expect(await listed(scene)).toEqual([]);
    expect(await reconciliationOf(scene.shop)).toMatchObject({
      state: "done",
      ourPayments: 1,
      foreignLines: foreign.length,
      foreignFen: 0,
    });
  });
});
