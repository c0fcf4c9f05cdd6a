import { runDurableObjectAlarm } from "cloudflare:test";
import * as z from "zod";
import type { Answer } from "../../support/gateway.ts";
import { ORDER, requestAs } from "./app-requests.ts";
import { assertInvariant } from "./invariants.ts";
import { ledger, type Simulation } from "./simulation.ts";
import type { Action, AppIndex } from "./steps.ts";

const createdOrder = z.strictObject({
  orderNumber: z.string().regex(/^[0-9a-f]{32}$/),
  orderId: z.int(),
  apiParams: z.string(),
  editAddress: z.null(),
});
const bridgeParameters = z.strictObject({
  appId: z.string(),
  timeStamp: z.string(),
  nonceStr: z.string(),
  package: z.string(),
  signType: z.string(),
  paySign: z.string(),
});

/** An app creates an order, perhaps with an own number that it has used before. */
export async function create(
  simulation: Simulation,
  {
    app,
    ownNumber,
    totalFen,
  }: Pick<Extract<Action, { type: "create" }>, "app" | "ownNumber" | "totalFen">,
  isAlone: boolean,
): Promise<void> {
  const { appId } = simulation.merchant.apps[app];
  const appOrderNo = ownNumber === null ? null : ownNumberOf(simulation, ownNumber);
  const existing = simulation.snapshot.orders.find(
    (order) => appOrderNo !== null && order.appId === appId && order.appOrderNo === appOrderNo,
  );
  const answer = await requestAs(simulation, simulation.merchant.apps[app], "/pay/create-order", {
    ...ORDER,
    totalFree: totalFen,
    ...(appOrderNo === null ? {} : { appOrderNo }),
  });
  if (isAlone && existing !== undefined && existing.totalFen !== totalFen) {
    // 503: D1 failed before the comparison.
    const namesParameter = answer.code === 501 && answer.errmsg?.includes("totalFree") === true;
    assertInvariant(
      namesParameter || answer.code === 503,
      "contract",
      `a repeat with another amount is not refused: ${answer.text}`,
    );
    return;
  }
  const data = dataOf(answer);
  if (data === null) return;
  const isSameNumber = existing === undefined || data.orderNumber === existing.number;
  assertInvariant(
    isSameNumber || existing.totalFen !== totalFen,
    "I2",
    "a repeated order got another number",
  );
  const bridge = bridgeParameters.parse(JSON.parse(data.apiParams));
  const issued = simulation.bridges.get(data.orderNumber) ?? [];
  simulation.bridges.set(data.orderNumber, [...issued, { bridge, issuedAt: Date.now() }]);
}

/** Creates an order whose payment notification arrives before WeChat's ledger says paid. */
export async function notifyBeforePaid(simulation: Simulation, app: AppIndex): Promise<void> {
  await ledger().addFault({ on: "notification", kind: "pay", fault: "before-its-time", times: 1 });
  const before = new Set(simulation.bridges.keys());
  await create(simulation, { app, ownNumber: null, totalFen: 100 }, true);
  const number = [...simulation.bridges.keys()].find((candidate) => !before.has(candidate));
  // Without a new order the fault would apply to a pending notification of another one.
  const state = await ledger().state();
  const pending = state.notifications.filter(
    ({ kind, nextAt }) => kind === "pay" && nextAt !== null,
  );
  if (number === undefined) {
    for (const { outTradeNo } of pending) await ledger().pay(outTradeNo, { notify: true });
    await ledger().clearFaults();
    return;
  }
  await runDurableObjectAlarm(ledger());
  await ledger().pay(number, { notify: true });
}

/** An app's own number, different from those of other histories. */
export function ownNumberOf({ baseline }: Simulation, index: number): string {
  return `h${baseline.orderId}-${baseline.refundId}-${index}`;
}

function dataOf(answer: Answer): z.infer<typeof createdOrder> | null {
  assertInvariant(
    [0, 501, 503].includes(answer.code),
    "contract",
    `create-order answers ${answer.text}`,
  );
  return answer.code === 0 ? createdOrder.parse(answer.data) : null;
}
