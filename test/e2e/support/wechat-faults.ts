import type { CreatedOrder } from "../../../testkit/contract.ts";
import type { Shop } from "../../../testkit/shop.ts";

interface CallFault {
  /** For how many calls; one when left out. */
  readonly times?: number;
  readonly delayMs?: number;
  readonly errCode?: string;
  readonly errCodeDes?: string;
}

/** Makes WeChat's answer to the next call about this order fail. No other order is affected. */
export async function addCallFault(
  { sandbox }: Pick<Shop, "sandbox">,
  { orderNumber: outTradeNo }: CreatedOrder,
  path: "unifiedorder" | "refund" | "orderquery" | "refundquery",
  fault: string,
  more: CallFault = {},
): Promise<void> {
  await sandbox.addFault({ on: "call", path, fault, outTradeNo, ...more });
}

/** Makes WeChat's next notification about this order faulty. */
export async function addNotificationFault(
  { sandbox }: Pick<Shop, "sandbox">,
  { orderNumber: outTradeNo }: CreatedOrder,
  kind: "pay" | "refund",
  fault: string,
): Promise<void> {
  await sandbox.addFault({ on: "notification", kind, fault, outTradeNo });
}
