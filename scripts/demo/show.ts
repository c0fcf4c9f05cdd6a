import { dataOf, type AppClient } from "../../testkit/app-client.ts";
import type { AppReceiver, Callback } from "../../testkit/app-receiver.ts";
import type { CreatedOrder, OrderView } from "../../testkit/contract.ts";
import { eventually } from "../../testkit/eventually.ts";
import type { SandboxClient } from "../../testkit/sandbox-client.ts";
import { BrokenPromise, holds, says } from "./narration.ts";
import { paint } from "../../testkit/terminal.ts";
import type { WechatCall, Wire } from "./protocol-details.ts";

/** Who plays in the story. */
export interface Story {
  readonly app: AppClient;
  readonly receiver: AppReceiver;
  readonly sandbox: SandboxClient;
  readonly wire: Wire;
}

/** The order as the app sees it now. */
export async function viewOf({ app }: Story, order: CreatedOrder): Promise<OrderView> {
  return dataOf(await app.order({ order_id: order.orderId }));
}

/** Tells what the gateway asked of WeChat about an order, as WeChat's own books have it. */
export async function tellCalls(
  { sandbox }: Story,
  number: string,
  { method, path }: WechatCall,
): Promise<void> {
  const { calls } = await sandbox.state();
  const about = calls.filter((call) => call.outTradeNo === number && call.path === path);
  if (about.length === 0) throw new BrokenPromise(`WeChat saw no ${method} ${path}`);
  for (const { outcome } of about.toReversed()) {
    says("gateway", "WeChat", `${method} ${path}  ${paint("dim", `→ ${outcome}`)}`);
  }
}

/** Tells how WeChat notified the gateway, and waits for the acknowledgement. */
export async function tellNotification(
  { sandbox, wire }: Story,
  order: CreatedOrder,
  kind: "pay" | "refund",
): Promise<void> {
  const sent = await eventually(`the ${kind} notification to be acknowledged`, async () => {
    const { notifications } = await sandbox.order(order.orderNumber);
    return notifications.find((one) => one.kind === kind && one.state === "acknowledged");
  });
  const { pathname } = new URL(sent.url);
  says("WeChat", "gateway", `POST ${pathname}`);
  const { status, answer = "" } = sent.attempts.at(-1) ?? {};
  const [, code] = /<return_code><!\[CDATA\[(.*?)\]\]>/.exec(answer) ?? [];
  says("gateway", "WeChat", `${status}`, code === undefined ? {} : { return_code: code });
  const answered = { status, ...(code !== undefined && { returnCode: code }) };
  holds(
    "the notification is acknowledged, at the first attempt",
    [wire.notifyPath.test(pathname), answered, sent.attempts.length],
    [true, wire.acknowledged, 1],
  );
}

/** Tells a callback that the app received, and checks both of its signatures. */
export function tellCallback(callback: Callback): void {
  says("gateway", "app", `POST ${callback.path}`, {
    ...callback.fields,
    "webhook-signature": callback.headers["webhook-signature"],
  });
  says("app", "gateway", "200 success");
  holds("sign fits, by the contract's rule", callback.signed);
  holds("webhook-signature fits, by the Standard Webhooks rule", callback.webhookSigned);
}

/** Some fields of a callback. */
export function pick({ fields }: Callback, ...names: string[]): (string | undefined)[] {
  return names.map((name) => fields[name]);
}

/** An amount as people write it. */
export function yuan(fen: number): string {
  return `¥${(fen / 100).toFixed(2)}`;
}
