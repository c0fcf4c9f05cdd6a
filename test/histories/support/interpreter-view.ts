import type { OrderRow } from "../../../src/db/rows.ts";
import { requestAs } from "./app-requests.ts";
import { assertInvariant } from "./invariants.ts";
import { appById } from "./merchant.ts";
import type { Simulation } from "./simulation.ts";
import { isPaid, readSnapshot } from "./snapshot.ts";
import type { Action } from "./steps.ts";

/** An app views its order. The states in the answer are, or were, those of WeChat's ledger. */
export async function view(
  simulation: Simulation,
  order: OrderRow,
  { sync, byOwnNumber }: Pick<Extract<Action, { type: "view" }>, "sync" | "byOwnNumber">,
  isAlone: boolean,
): Promise<void> {
  const { number, appOrderNo } = order;
  const key = byOwnNumber && appOrderNo !== null ? { appOrderNo } : { order_id: order.id };
  const answer = await requestAs(simulation, appById(simulation.merchant, order.appId), "/order", {
    ...key,
    ...(sync ? { sync: 1 } : {}),
  });
  const shown = answer.data;
  if (shown === null) {
    assertInvariant(
      answer.code === 503,
      "contract",
      `an app's own order is refused: ${answer.text}`,
    );
    return;
  }
  assertInvariant(shown["pay_order_number"] === number, "I7", "the answer shows another order");
  if (!isAlone) return;
  const { wechatOrders, wechatRefunds } = await simulation.network.observe(
    async () => await readSnapshot(simulation.baseline),
  );
  const paid = isPaid(wechatOrders.get(number));
  const refund = wechatRefunds.get(String(shown["refund_no"]));
  const statuses = simulation.statuses.get(String(shown["refund_no"])) ?? new Set();
  const isTrue: Readonly<Record<string, boolean>> = {
    pay0: true,
    pay1: !paid || !sync,
    pay2: paid,
    ref0: true,
    ref1: refund === undefined,
    ref2: refund !== undefined,
    ref3: statuses.has("CHANGE") || statuses.has("REFUNDCLOSE") || refund?.status === "REFUNDCLOSE",
    ref4: refund?.status === "SUCCESS",
  };
  for (const state of [`pay${String(shown["pay_state"])}`, `ref${String(shown["ref_state"])}`]) {
    assertInvariant(isTrue[state] === true, "I6", `the answer shows ${state}, WeChat doesn't`);
  }
}
