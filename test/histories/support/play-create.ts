import { runDurableObjectAlarm } from "cloudflare:test";
import * as z from "zod";
import type { Answer } from "../../support/gateway.ts";
import { askAs, ORDER } from "./ask.ts";
import { claim } from "./claim.ts";
import { ledger, type Scene } from "./scene.ts";
import type { Action, AppIndex } from "./steps.ts";

const created = z.strictObject({
  orderNumber: z.string().regex(/^[0-9a-f]{32}$/),
  orderId: z.int(),
  apiParams: z.string(),
  editAddress: z.null(),
});
const bridgeParams = z.strictObject({
  appId: z.string(),
  timeStamp: z.string(),
  nonceStr: z.string(),
  package: z.string(),
  signType: z.string(),
  paySign: z.string(),
});

/** An app makes an order, perhaps under a number that it has used before. */
export async function create(
  scene: Scene,
  { app, own, fen }: Pick<Extract<Action, { do: "create" }>, "app" | "own" | "fen">,
  alone: boolean,
): Promise<void> {
  const { appId } = scene.shop.apps[app];
  const appOrderNo = own === null ? null : nameOf(scene, own);
  const standing = scene.books.orders.find(
    (order) => appOrderNo !== null && order.appId === appId && order.appOrderNo === appOrderNo,
  );
  const answer = await askAs(scene, scene.shop.apps[app], "/pay/create-order", {
    ...ORDER,
    totalFree: fen,
    ...(appOrderNo === null ? {} : { appOrderNo }),
  });
  if (alone && standing !== undefined && standing.totalFen !== fen) {
    // D1 may be away; but nothing is made of it.
    const named = answer.code === 501 && answer.errmsg?.includes("totalFree") === true;
    claim(named || answer.code === 503, "answer", `an order was changed: ${answer.text}`);
    return;
  }
  const data = dataOf(answer);
  if (data === null) return;
  const same = standing === undefined || data.orderNumber === standing.number;
  claim(same || standing.totalFen !== fen, "2", "a repeated order got another number");
  const bridge = bridgeParams.parse(JSON.parse(data.apiParams));
  const given = scene.bridges.get(data.orderNumber) ?? [];
  scene.bridges.set(data.orderNumber, [...given, { bridge, givenAt: Date.now() }]);
}

/** A new order whose payment the gateway is told of before WeChat's own books have it. */
export async function payEarly(scene: Scene, app: AppIndex): Promise<void> {
  await ledger().addFault({ on: "notification", kind: "pay", fault: "before-its-time", times: 1 });
  const before = new Set(scene.bridges.keys());
  await create(scene, { app, own: null, fen: 100 }, true);
  const number = [...scene.bridges.keys()].find((candidate) => !before.has(candidate));
  // An order that wasn't made is not told of either: the fault would hit another one.
  const state = await ledger().state();
  const early = state.notifications.filter(({ kind, nextAt }) => kind === "pay" && nextAt !== null);
  if (number === undefined) {
    for (const { outTradeNo } of early) await ledger().pay(outTradeNo, { notify: true });
    await ledger().clearFaults();
    return;
  }
  await runDurableObjectAlarm(ledger());
  await ledger().pay(number, { notify: true });
}

/** The app's own number, unlike those of other histories. */
export function nameOf({ since }: Scene, own: number): string {
  return `h${since.orderId}-${since.refundId}-${own}`;
}

function dataOf(answer: Answer): z.infer<typeof created> | null {
  claim([0, 501, 503].includes(answer.code), "answer", `create-order says ${answer.text}`);
  return answer.code === 0 ? created.parse(answer.data) : null;
}
