import * as z from "zod";
import type { OrderRow, RefundRow } from "../../../src/db/rows.ts";
import type { Answer } from "../../support/gateway.ts";
import { askAs } from "./ask.ts";
import { isPaid, rowsSince } from "./books.ts";
import { claim } from "./claim.ts";
import { nameOf } from "./play-create.ts";
import { ledger, type Scene } from "./scene.ts";
import { ownerOf } from "./shop.ts";
import type { Action } from "./steps.ts";

const refunded = z.strictObject({
  refund_id: z.string().regex(/^\d{28,29}$/),
  refund_no: z.string().regex(/^[0-9a-f]{32}$/),
});

/** What may come of a request for a refund. */
type Expected =
  /** This refund, however often it is asked for. */
  | { readonly kind: "same"; readonly number: string }
  | { readonly kind: "new" }
  | { readonly kind: "none" };

/** An app wants money given back. */
export async function refund(
  scene: Scene,
  order: OrderRow,
  { percent, own }: Pick<Extract<Action, { do: "refund" }>, "percent" | "own">,
  alone: boolean,
): Promise<void> {
  const refundFen = percent === null ? null : Math.ceil((order.totalFen * percent) / 100);
  const appRefundNo = own === null ? null : `r-${nameOf(scene, own)}`;
  const before = scene.books.refunds;
  const expected = expect(order, before, refundFen, appRefundNo);
  const answer = await askAs(scene, ownerOf(scene.shop, order.appId), "/refund/refund-money", {
    platForm: 1,
    order_id: order.id,
    ...(refundFen === null ? {} : { refundFree: refundFen }),
    ...(appRefundNo === null ? {} : { appRefundNo }),
  });
  claim([0, 501, 503].includes(answer.code), "answer", `refund-money says ${answer.text}`);
  const { refunds } = await scene.wires.peek(async () => await rowsSince(scene.since));
  await judgeWord(answer, order, refunds, scene);
  if (!alone) return;
  const added = refunds.length - before.length;
  claim(added <= (expected.kind === "new" ? 1 : 0), "2", `a refund too many: ${answer.text}`);
  if (expected.kind === "new" && order.payState === "paid" && answer.code === 501) {
    const byWechat = answer.errmsg?.includes("微信") === true;
    claim(byWechat, "answer", `a refund that is possible was refused: ${answer.text}`);
  }
  if (expected.kind === "none") claim(answer.code !== 0, "answer", "an impossible refund was made");
  if (expected.kind === "same" && answer.code === 0) {
    const same = answer.data?.["refund_no"] === expected.number;
    claim(same, "2", "a repeated refund got another number");
  }
}

/** Whatever else goes on: what is said of WeChat's word is so. */
async function judgeWord(
  answer: Answer,
  order: OrderRow,
  refunds: readonly RefundRow[],
  scene: Scene,
): Promise<void> {
  const wechat = await ledger().order(order.number);
  if (answer.code === 0) {
    const { refund_id, refund_no } = refunded.parse(answer.data);
    const known = wechat?.refunds.find(({ outRefundNo }) => outRefundNo === refund_no);
    claim(known?.refundId === refund_id, "6", "a refund was called accepted that WeChat hasn't");
    const row = refunds.find(({ number }) => number === refund_no);
    claim(row !== undefined, "2", "an app was told of a refund that isn't in D1");
  }
  if (answer.errmsg?.includes("未支付") === true && scene.crashes === 0) {
    claim(!isPaid(wechat ?? undefined), "6", "a paid order was called unpaid");
  }
}

/** Written anew from the contract, so that one mistake can't pass twice. */
function expect(
  order: OrderRow,
  all: readonly RefundRow[],
  refundFen: number | null,
  appRefundNo: string | null,
): Expected {
  // The app's own number is unique per app: another order's refund is in its way.
  const named = all.find((row) => row.appRefundNo === appRefundNo && row.appId === order.appId);
  if (appRefundNo !== null && named !== undefined) {
    const fits = named.orderId === order.id && named.state !== "closed";
    const sameAmount = refundFen === null || refundFen === named.refundFen;
    return fits && sameAmount ? { kind: "same", number: named.number } : { kind: "none" };
  }
  const own = all.filter((row) => row.orderId === order.id);
  const live = own.filter((row) => row.state !== "closed");
  const leftFen = order.totalFen - live.reduce((sum, row) => sum + row.refundFen, 0);
  // Without a number: the one that was asked for without, as long as it lives.
  const unnamed = live.findLast((row) => row.appRefundNo === null);
  const standing = unnamed ?? (leftFen === 0 ? live.at(-1) : undefined);
  if (appRefundNo === null && standing !== undefined) {
    const sameAmount = refundFen === null || refundFen === standing.refundFen;
    return sameAmount ? { kind: "same", number: standing.number } : { kind: "none" };
  }
  if (leftFen === 0) return { kind: "none" };
  const wishedFen = refundFen ?? leftFen;
  const needsName = wishedFen < leftFen && appRefundNo === null;
  return wishedFen > leftFen || needsName ? { kind: "none" } : { kind: "new" };
}
