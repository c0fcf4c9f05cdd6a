import type { OrderRow } from "../../../src/db/rows.ts";
import { askAs } from "./ask.ts";
import { isPaid, readBooks } from "./books.ts";
import { claim } from "./claim.ts";
import type { Scene } from "./scene.ts";
import { ownerOf } from "./shop.ts";
import type { Action } from "./steps.ts";

/** An app looks at its order. What it is told of WeChat is so, or was at some time. */
export async function view(
  scene: Scene,
  order: OrderRow,
  { sync, byOwn }: Pick<Extract<Action, { do: "view" }>, "sync" | "byOwn">,
  alone: boolean,
): Promise<void> {
  const { number, appOrderNo } = order;
  const name = byOwn && appOrderNo !== null ? { appOrderNo } : { order_id: order.id };
  const answer = await askAs(scene, ownerOf(scene.shop, order.appId), "/order", {
    ...name,
    ...(sync ? { sync: 1 } : {}),
  });
  const told = answer.data;
  if (told === null) {
    claim(answer.code === 503, "answer", `an app's own order is refused: ${answer.text}`);
    return;
  }
  claim(told["pay_order_number"] === number, "7", "another order was shown");
  if (!alone) return;
  const { wechatOrders, wechatRefunds } = await scene.wires.peek(
    async () => await readBooks(scene.since),
  );
  const paid = isPaid(wechatOrders.get(number));
  const refund = wechatRefunds.get(String(told["refund_no"]));
  const statuses = scene.statuses.get(String(told["refund_no"])) ?? new Set();
  const isSo: Readonly<Record<string, boolean>> = {
    pay0: true,
    pay1: !paid || !sync,
    pay2: paid,
    ref0: true,
    ref1: refund === undefined,
    ref2: refund !== undefined,
    ref3: statuses.has("CHANGE") || statuses.has("REFUNDCLOSE") || refund?.status === "REFUNDCLOSE",
    ref4: refund?.status === "SUCCESS",
  };
  for (const state of [`pay${String(told["pay_state"])}`, `ref${String(told["ref_state"])}`]) {
    claim(isSo[state] === true, "6", `${state} was told and isn't so`);
  }
}
