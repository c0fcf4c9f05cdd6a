import type { AppClient } from "../../testkit/app-client.ts";
import type { AppReceiver, Callback } from "../../testkit/app-receiver.ts";
import type { CreatedOrder } from "../../testkit/contract.ts";
import { eventually } from "../../testkit/eventually.ts";
import type { SandboxClient } from "../../testkit/sandbox-client.ts";
import { check, CheckFailed, message } from "./narration.ts";
import { paint } from "../../testkit/terminal.ts";
import type { ProtocolDetails, WechatCall } from "./protocol-details.ts";

/** What the chapters share. */
export interface Demo {
  readonly app: AppClient;
  readonly receiver: AppReceiver;
  readonly sandbox: SandboxClient;
  readonly details: ProtocolDetails;
}

/** Shows the gateway's calls to WeChat about an order, from the sandbox's list of calls. */
export async function showCalls(
  { sandbox }: Demo,
  number: string,
  { method, path }: WechatCall,
): Promise<void> {
  const { calls } = await sandbox.state();
  const about = calls.filter((call) => call.outTradeNo === number && call.path === path);
  if (about.length === 0) throw new CheckFailed(`WeChat received no ${method} ${path}`);
  for (const { outcome } of about.toReversed()) {
    message("gateway", "WeChat", `${method} ${path}  ${paint("dim", `→ ${outcome}`)}`);
  }
}

/** Waits until WeChat's notification is acknowledged, and shows it. */
export async function showNotification(
  { sandbox, details }: Demo,
  order: CreatedOrder,
  kind: "pay" | "refund",
): Promise<void> {
  const sent = await eventually(`the ${kind} notification to be acknowledged`, async () => {
    const { notifications } = await sandbox.order(order.orderNumber);
    return notifications.find((one) => one.kind === kind && one.state === "acknowledged");
  });
  const { pathname } = new URL(sent.url);
  message("WeChat", "gateway", `POST ${pathname}`);
  const { status, answer = "" } = sent.attempts.at(-1) ?? {};
  const [, code] = /<return_code><!\[CDATA\[(.*?)\]\]>/.exec(answer) ?? [];
  message("gateway", "WeChat", `${status}`, code === undefined ? {} : { return_code: code });
  const acknowledgement = { status, ...(code !== undefined && { returnCode: code }) };
  check(
    "the notification is acknowledged, at the first attempt",
    [details.notifyPath.test(pathname), acknowledgement, sent.attempts.length],
    [true, details.acknowledgement, 1],
  );
}

/** Shows a callback that the app received, and checks both of its signatures. */
export function showCallback(callback: Callback): void {
  message("gateway", "app", `POST ${callback.path}`, {
    ...callback.fields,
    "webhook-signature": callback.headers["webhook-signature"],
  });
  message("app", "gateway", "200 success");
  check("sign is valid, by the contract's rule", callback.signed);
  check("webhook-signature is valid, by the Standard Webhooks library", callback.webhookSigned);
}

/** Some fields of a callback. */
export function pick({ fields }: Callback, ...names: string[]): (string | undefined)[] {
  return names.map((name) => fields[name]);
}

/** An amount for people. */
export function yuan(fen: number): string {
  return `¥${(fen / 100).toFixed(2)}`;
}
