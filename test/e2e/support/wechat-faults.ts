import type { CreatedOrder } from "../../../testkit/contract.ts";
import type { Shop } from "./shop.ts";

interface Trouble {
  /** For how many calls; one when left out. */
  readonly times?: number;
  readonly delayMs?: number;
  readonly errCode?: string;
  readonly errCodeDes?: string;
}

/** WeChat's answer to the next call about an order goes wrong. No other order is touched. */
export async function troubleCall(
  { sandbox }: Pick<Shop, "sandbox">,
  { orderNumber: outTradeNo }: CreatedOrder,
  path: "unifiedorder" | "refund" | "orderquery" | "refundquery",
  fault: string,
  more: Trouble = {},
): Promise<void> {
  await sandbox.addFault({ on: "call", path, fault, outTradeNo, ...more });
}

/** WeChat's next notification about an order goes wrong. */
export async function troubleNotification(
  { sandbox }: Pick<Shop, "sandbox">,
  { orderNumber: outTradeNo }: CreatedOrder,
  kind: "pay" | "refund",
  fault: string,
): Promise<void> {
  await sandbox.addFault({ on: "notification", kind, fault, outTradeNo });
}
