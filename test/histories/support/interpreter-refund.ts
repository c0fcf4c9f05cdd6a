import { env } from "cloudflare:workers";
import * as z from "zod";
import type { OrderRow, RefundRow } from "../../../src/db/rows.ts";
import type { Answer } from "../../support/gateway.ts";
import { requestAs } from "./app-requests.ts";
import { ownNumberOf } from "./interpreter-create.ts";
import { assertInvariant } from "./invariants.ts";
import { appById } from "./merchant.ts";
import { ledger, type Simulation } from "./simulation.ts";
import { isPaid, rowsSince } from "./snapshot.ts";
import type { Action } from "./steps.ts";

const refundAnswer = z.strictObject({
  refund_id: z.string().regex(/^\d{28,29}$/),
  refund_no: z.string().regex(/^[0-9A-Za-z]{28,64}$/),
});

/** The possible outcome of a refund request. */
type Expected =
  /** The request repeats this refund. */
  | { readonly kind: "repeat"; readonly number: string }
  | { readonly kind: "new" }
  | { readonly kind: "refused" }
  /** Depends on WeChat's answer about a refund that it refused. */
  | { readonly kind: "open" };

/**
 * A person refunds in the merchant platform, where the gateway's address for refund notifications is
 * set. Without effect when WeChat refuses it.
 */
export async function refundInPlatform(
  { merchant }: Simulation,
  order: OrderRow,
  percent: number | null,
): Promise<void> {
  const protocol = merchant.signType === "RSA" ? "v3" : "v2";
  const refundFee =
    percent === null ? {} : { refundFee: Math.ceil((order.totalFen * percent) / 100) };
  await ledger().refundInPlatform(order.number, {
    ...refundFee,
    notifyUrl: `${env.PUBLIC_URL}/notify/${protocol}/${merchant.merchantId}/refund`,
  });
}

/** An app requests a refund. */
export async function refund(
  simulation: Simulation,
  order: OrderRow,
  { percent, ownNumber }: Pick<Extract<Action, { type: "refund" }>, "percent" | "ownNumber">,
  isAlone: boolean,
): Promise<void> {
  const refundFen = percent === null ? null : Math.ceil((order.totalFen * percent) / 100);
  const appRefundNo = ownNumber === null ? null : `r-${ownNumberOf(simulation, ownNumber)}`;
  const before = simulation.snapshot.refunds;
  const expected = expectedOutcome(order, before, refundFen, appRefundNo);
  const app = appById(simulation.merchant, order.appId);
  const answer = await requestAs(simulation, app, "/refund/refund-money", {
    platForm: 1,
    order_id: order.id,
    ...(refundFen === null ? {} : { refundFree: refundFen }),
    ...(appRefundNo === null ? {} : { appRefundNo }),
  });
  assertInvariant(
    [0, 501, 503].includes(answer.code),
    "contract",
    `refund-money answers ${answer.text}`,
  );
  const { refunds } = await simulation.network.observe(
    async () => await rowsSince(simulation.baseline),
  );
  await checkAnswer(answer, order, refunds, simulation);
  if (!isAlone) return;
  // A refund made in the platform may be imported meanwhile.
  const added =
    refunds.filter(({ source }) => source === "app").length -
    before.filter(({ source }) => source === "app").length;
  assertInvariant(
    added <= (expected.kind === "new" || expected.kind === "open" ? 1 : 0),
    "I2",
    `the request added ${added} refunds: ${answer.text}`,
  );
  if (expected.kind === "new" && order.payState === "paid" && answer.code === 501) {
    const isRefusedByWechat = answer.errmsg?.includes("微信") === true;
    assertInvariant(
      isRefusedByWechat,
      "contract",
      `the gateway refused a possible refund: ${answer.text}`,
    );
  }
  if (expected.kind === "refused") {
    assertInvariant(answer.code !== 0, "contract", "an impossible refund was made");
  }
  if (expected.kind === "repeat" && answer.code === 0) {
    const isSameNumber = answer.data?.["refund_no"] === expected.number;
    assertInvariant(isSameNumber, "I2", "a repeated refund got another number");
  }
}

/** Checks what holds under concurrency too: the answer doesn't contradict WeChat's ledger. */
async function checkAnswer(
  answer: Answer,
  order: OrderRow,
  refunds: readonly RefundRow[],
  simulation: Simulation,
): Promise<void> {
  const wechat = await ledger().order(order.number);
  if (answer.code === 0) {
    const { refund_id, refund_no } = refundAnswer.parse(answer.data);
    const recorded = wechat?.refunds.find(({ outRefundNo }) => outRefundNo === refund_no);
    assertInvariant(
      recorded?.refundId === refund_id,
      "I6",
      "an answer confirms a refund that WeChat doesn't have",
    );
    const row = refunds.find(({ number }) => number === refund_no);
    assertInvariant(row !== undefined, "I2", "an answer confirms a refund that isn't in D1");
  }
  if (answer.errmsg?.includes("未支付") === true && simulation.crashes === 0) {
    assertInvariant(!isPaid(wechat ?? undefined), "I6", "an answer calls a paid order unpaid");
  }
}

/** Derived from the contract, independent of src/, so that a mistake there is not repeated here. */
function expectedOutcome(
  order: OrderRow,
  all: readonly RefundRow[],
  refundFen: number | null,
  appRefundNo: string | null,
): Expected {
  const ofOrder = all.filter((row) => row.orderId === order.id);
  if (ofOrder.some((row) => row.state === "refused" && row.released === null)) {
    return { kind: "open" };
  }
  const live = ofOrder.filter((row) => row.state !== "closed" && row.state !== "refused");
  const leftFen = order.totalFen - live.reduce((sum, row) => sum + row.refundFen, 0);
  // The app's own number is unique per app, so another order's refund may have it.
  const named = all.find((row) => row.appRefundNo === appRefundNo && row.appId === order.appId);
  if (appRefundNo !== null && named !== undefined) {
    const isLeft =
      named.state !== "refused" || (named.released === "free" && named.refundFen <= leftFen);
    const isRepeat =
      named.orderId === order.id && !["closed", "abnormal"].includes(named.state) && isLeft;
    const isSameAmount = refundFen === null || refundFen === named.refundFen;
    return isRepeat && isSameAmount
      ? { kind: "repeat", number: named.number }
      : { kind: "refused" };
  }
  // A request without a number repeats the live refund that was requested without one.
  const stuck = live.findLast(({ state }) => state === "abnormal");
  const existing = live.findLast(isUnnamed) ?? (leftFen <= 0 ? (stuck ?? live.at(-1)) : undefined);
  if (appRefundNo === null && existing !== undefined) {
    if (existing.state === "abnormal") return { kind: "refused" };
    const isSameAmount = refundFen === null || refundFen === existing.refundFen;
    return isSameAmount ? { kind: "repeat", number: existing.number } : { kind: "refused" };
  }
  if (leftFen <= 0) return { kind: "refused" };
  const requestedFen = refundFen ?? leftFen;
  if (requestedFen > leftFen) return { kind: "refused" };
  // Or the refused one of exactly what it asks for.
  const again = ofOrder.findLast(
    (row) => isUnnamed(row) && row.released === "free" && row.refundFen === requestedFen,
  );
  if (appRefundNo === null && again !== undefined) return { kind: "repeat", number: again.number };
  const needsNumber = requestedFen < leftFen && appRefundNo === null;
  return needsNumber ? { kind: "refused" } : { kind: "new" };
}

function isUnnamed({ appRefundNo, source }: RefundRow): boolean {
  return appRefundNo === null && source === "app";
}
