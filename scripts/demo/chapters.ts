import type { Stack } from "../../testkit/stack/stack.ts";
import { AdminClient, type MerchantDraft } from "../../testkit/admin-client.ts";
import { AppClient, dataOf, USUAL_ORDER } from "../../testkit/app-client.ts";
import type { AppReceiver } from "../../testkit/app-receiver.ts";
import {
  bridgeParams,
  createdOrder,
  requestedRefund,
  type CreatedOrder,
  type Protocol,
  type RequestedRefund,
} from "../../testkit/contract.ts";
import { demoMerchant, DEMO_WECHAT_APP_ID } from "../../testkit/demo-merchant.ts";
import { eventually } from "../../testkit/eventually.ts";
import { SandboxClient } from "../../testkit/sandbox-client.ts";
import { chapter, holds, remark, says, show, table } from "./narration.ts";
import { paint } from "../../testkit/terminal.ts";
import { WIRES } from "./protocol-details.ts";
import {
  pick,
  tellCallback,
  tellCalls,
  tellNotification,
  viewOf,
  yuan,
  type Story,
} from "./show.ts";

const PRICE = 6800;
const SECRETS = new Set(["apiKey", "apiV3Key", "merchantPrivateKey"]);

/** Says what is about to be seen. */
export function prologue(protocol: Protocol): void {
  const title = `WeChat Pay gateway: the life of one order${protocol === "v3" ? ", in APIv3" : ""}`;
  console.log(`\n${paint("bold", title)}`);
  remark("The gateway and a sandbox in WeChat Pay's place run as two real Workers.");
  remark("Every line below went over HTTP, every ✓ was checked. Starting them …");
}

/** The operator registers a merchant and an app. */
export async function registration(
  stack: Stack,
  receiver: AppReceiver,
  protocol: Protocol,
): Promise<Story> {
  show({ gateway: stack.gatewayUrl, "WeChat (sandbox)": stack.sandboxUrl });
  chapter("The operator registers a merchant and one of its apps");
  const admin = new AdminClient(stack.gatewayUrl, stack.adminToken);
  const merchantDraft = demoMerchant(protocol);
  const merchant = await admin.registerMerchant(merchantDraft);
  says("operator", "gateway", "POST /admin/merchants", withoutSecrets(merchantDraft));
  const draft = {
    name: "Galaxy Books",
    merchantId: merchant.id,
    wechatAppId: DEMO_WECHAT_APP_ID,
    payNotifyUrl: `${receiver.url}/pay`,
    refundNotifyUrl: `${receiver.url}/refund`,
  };
  const app = await admin.registerApp(draft);
  receiver.trust(app);
  says("operator", "gateway", "POST /admin/apps", draft);
  says("gateway", "operator", "201, with secrets that are shown this once", {
    id: app.id,
    salt: `${app.salt.slice(0, 6)}…`,
    webhookSecret: `${app.webhookSecret.slice(0, 12)}…`,
  });
  holds("the app has an id, a salt of its own and a webhook secret", app.salt.length, 32);
  return {
    app: new AppClient(stack.gatewayUrl, app),
    receiver,
    sandbox: new SandboxClient(stack.sandboxUrl),
    wire: WIRES[protocol],
  };
}

/** A merchant as it may be shown. Its protocol can be told from its fields. */
function withoutSecrets(draft: MerchantDraft): object {
  const { protocol: _, ...fields } = draft;
  const shown = Object.entries(fields).map(([name, value]) => {
    if (typeof value !== "string") return [name, value.map(({ id }) => id)];
    return [name, SECRETS.has(name) ? "••••••••" : value];
  });
  return Object.fromEntries(shown);
}

/** The app makes an order, the payer pays it, the app hears of it. */
export async function payment(story: Story): Promise<CreatedOrder> {
  const { app, receiver, sandbox, wire } = story;
  chapter("The app asks for an order");
  const request = app.sign("/pay/create-order", {
    ...USUAL_ORDER,
    desc: "星河书店-《三体》",
    totalFree: PRICE,
    attach: "cart 42",
  });
  says("app", "gateway", `POST ${request.path}`, request.fields);
  remark("sign = sha1(salt + the others, sorted, as a query string + salt)");
  const order = dataOf(await app.send(request, createdOrder));
  await tellCalls(story, order.orderNumber, wire.calls.order);
  says("gateway", "app", "code 0", { ...order });
  holds("the answer is the contract's to the letter", createdOrder.safeParse(order).success);
  const bridge = bridgeParams.parse(JSON.parse(order.apiParams));
  holds("the bridge is to sign with the merchant's algorithm", bridge.signType, wire.signType);

  chapter("The payer pays");
  const paid = await sandbox.pay(order.orderNumber, { bridge });
  says("payer", "WeChat", `pays ${yuan(PRICE)} with the bridge's parameters`);
  holds("WeChat's client accepts paySign, and the money is there", paid.state, "SUCCESS");
  await tellNotification(story, order, "pay");
  const view = await viewOf(story, order);
  holds("the order is paid", [view.pay_state, view.total_free], ["2", PRICE]);

  chapter("The app is told");
  const callback = await receiver.heard(order.orderNumber, "pay");
  tellCallback(callback);
  holds("amount and state are right", pick(callback, "total_free", "pay_state"), ["6800", "2"]);
  holds("the app gets its attach back", callback.fields["attach"], "cart 42");
  return order;
}

/** The app asks for the money back. */
export async function refund(story: Story, order: CreatedOrder): Promise<RequestedRefund> {
  const { app, sandbox, wire } = story;
  chapter("The app asks for a refund, twice");
  const wish = { platForm: 1, order_id: order.orderId };
  const request = app.sign("/refund/refund-money", wish);
  says("app", "gateway", `POST ${request.path}`, request.fields);
  const refunded = dataOf(await app.send(request, requestedRefund));
  await tellCalls(story, order.orderNumber, wire.calls.refund);
  says("gateway", "app", "code 0", refunded);
  const repeated = dataOf(await app.refund(order.orderId));
  holds("asking again gives the same refund", repeated, refunded);
  const { refunds } = await sandbox.order(order.orderNumber);
  const amounts = refunds.map((one) => [one.outRefundNo, one.refundFee]);
  holds("WeChat has one refund, of the whole amount", amounts, [[refunded.refund_no, PRICE]]);
  const view = await viewOf(story, order);
  holds("accepted is not refunded: the state says so", view.ref_state, "2");
  return refunded;
}

/** WeChat pays the money back, and the app hears of it. */
export async function payout(
  story: Story,
  order: CreatedOrder,
  refunded: RequestedRefund,
): Promise<void> {
  const { receiver, sandbox, wire } = story;
  chapter("WeChat pays it back, and the app is told");
  const done = await sandbox.decideRefund(refunded.refund_no, "SUCCESS");
  says("WeChat", "payer", `pays ${yuan(PRICE)} back`);
  holds("the refund is done at WeChat", done.status, "SUCCESS");
  await tellNotification(story, order, "refund");
  remark(wire.refundRemark);
  await tellCalls(story, order.orderNumber, wire.calls.refundQuery);
  const callback = await receiver.heard(order.orderNumber, "refund");
  tellCallback(callback);
  holds("amount and state are right", pick(callback, "refund_free", "ref_state"), ["6800", "4"]);
}

/** The order's record, at the end. */
export async function finale(story: Story, order: CreatedOrder): Promise<void> {
  chapter("What the record says");
  const { app, receiver } = story;
  says("app", "gateway", "POST /order", { appId: app.id, order_id: order.orderId });
  // The app's answer to the callback is written down a moment after it was given.
  const view = await eventually("both callbacks to be confirmed", async () => {
    const now = await viewOf(story, order);
    return now.ref_notify_state === "2" && now.pay_notify_state === "2" ? now : undefined;
  });
  table([
    ["pay_order_number", view.pay_order_number, "the number WeChat knows"],
    ["transaction_id", view.transaction_id ?? "", "WeChat's number of the payment"],
    ["refund_no", view.refund_no ?? "", "ours of the refund"],
    ["refund_id", view.refund_id ?? "", "WeChat's of the refund"],
    ["total_free", String(view.total_free), yuan(view.total_free)],
    ["refund_free", String(view.refund_free), `${yuan(view.refund_free)} refunded`],
    ["pay_state", view.pay_state, "paid"],
    ["ref_state", view.ref_state, "refunded"],
    [
      "pay_notify_state",
      view.pay_notify_state,
      `the app confirmed, call ${view.pay_notify_number}`,
    ],
    [
      "ref_notify_state",
      view.ref_notify_state,
      `the app confirmed, call ${view.ref_notify_number}`,
    ],
  ]);
  holds("paid and refunded", [view.pay_state, view.ref_state], ["2", "4"]);
  holds("all of it", [view.total_free, view.refund_free], [PRICE, PRICE]);
  const calls = receiver.about(order.orderNumber).length;
  holds("the app was called once for each event", calls, 2);
}
