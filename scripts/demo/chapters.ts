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
import { viewOf } from "../../testkit/shop.ts";
import { chapter, check, message, remark, show, table } from "./narration.ts";
import { paint } from "../../testkit/terminal.ts";
import { PROTOCOL_DETAILS } from "./protocol-details.ts";
import { pick, showCallback, showCalls, showNotification, yuan, type Demo } from "./show.ts";

const PRICE = 6800;
const SECRETS = new Set(["apiKey", "apiV3Key", "merchantPrivateKey"]);

/** Says what the demo shows. */
export function introduction(protocol: Protocol): void {
  const title = `WeChat Pay gateway: one order from creation to refund${protocol === "v3" ? ", in APIv3" : ""}`;
  console.log(`\n${paint("bold", title)}`);
  remark("The gateway, and a sandbox that simulates WeChat Pay, run as two real Workers.");
  remark("Every message below is an HTTP request or its answer; every ✓ is a check. Starting …");
}

/** The operator registers a merchant and an app. */
export async function registration(
  stack: Stack,
  receiver: AppReceiver,
  protocol: Protocol,
): Promise<Demo> {
  show({ gateway: stack.gatewayUrl, "WeChat (sandbox)": stack.sandboxUrl });
  chapter("The operator registers a merchant and one of its apps");
  const admin = new AdminClient(stack.gatewayUrl, stack.adminToken);
  const merchantDraft = demoMerchant(protocol);
  const merchant = await admin.registerMerchant(merchantDraft);
  message("operator", "gateway", "POST /admin/merchants", withoutSecrets(merchantDraft));
  const draft = {
    name: "Galaxy Books",
    merchantId: merchant.id,
    wechatAppId: DEMO_WECHAT_APP_ID,
    payNotifyUrl: `${receiver.url}/pay`,
    refundNotifyUrl: `${receiver.url}/refund`,
  };
  const app = await admin.registerApp(draft);
  receiver.trust(app);
  message("operator", "gateway", "POST /admin/apps", draft);
  message("gateway", "operator", "201, with secrets that are shown this once", {
    id: app.id,
    salt: `${app.salt.slice(0, 6)}…`,
    webhookSecret: `${app.webhookSecret.slice(0, 12)}…`,
  });
  check("the app has a salt of its own", app.salt.length, 32);
  return {
    app: new AppClient(stack.gatewayUrl, app),
    receiver,
    sandbox: new SandboxClient(stack.sandboxUrl),
    details: PROTOCOL_DETAILS[protocol],
  };
}

/** A merchant with its secrets masked. Its fields show its protocol. */
function withoutSecrets(draft: MerchantDraft): object {
  const { protocol: _, ...fields } = draft;
  const shown = Object.entries(fields).map(([name, value]) => {
    if (typeof value !== "string") return [name, value.map(({ id }) => id)];
    return [name, SECRETS.has(name) ? "••••••••" : value];
  });
  return Object.fromEntries(shown);
}

/** The app creates an order, the payer pays it, the gateway calls the app. */
export async function payment(demo: Demo): Promise<CreatedOrder> {
  const { app, receiver, sandbox, details } = demo;
  chapter("The app creates an order");
  const request = app.sign("/pay/create-order", {
    ...USUAL_ORDER,
    desc: "星河书店-《三体》",
    totalFree: PRICE,
    attach: "cart 42",
  });
  message("app", "gateway", `POST ${request.path}`, request.fields);
  remark("sign = sha1(salt + the other fields, sorted, as a query string + salt)");
  const order = dataOf(await app.send(request, createdOrder));
  await showCalls(demo, order.orderNumber, details.calls.order);
  message("gateway", "app", "code 0", { ...order });
  check("the answer has exactly the contract's fields", createdOrder.safeParse(order).success);
  const bridge = bridgeParams.parse(JSON.parse(order.apiParams));
  check("the bridge parameters name the merchant's sign type", bridge.signType, details.signType);

  chapter("The payer pays");
  const paid = await sandbox.pay(order.orderNumber, { bridge });
  message("payer", "WeChat", `pays ${yuan(PRICE)} with the bridge parameters`);
  check("WeChat accepts paySign, and the payment succeeds", paid.state, "SUCCESS");
  await showNotification(demo, order, "pay");
  const view = await viewOf(demo, order);
  check("the order is paid", [view.pay_state, view.total_free], ["2", PRICE]);

  chapter("The gateway calls the app");
  const callback = await receiver.waitForCallback(order.orderNumber, "pay");
  showCallback(callback);
  check("amount and state are correct", pick(callback, "total_free", "pay_state"), ["6800", "2"]);
  check("the callback contains the app's attach", callback.fields["attach"], "cart 42");
  return order;
}

/** The app requests a refund. */
export async function refund(demo: Demo, order: CreatedOrder): Promise<RequestedRefund> {
  const { app, sandbox, details } = demo;
  chapter("The app requests a refund, twice");
  const parameters = { platForm: 1, order_id: order.orderId };
  const request = app.sign("/refund/refund-money", parameters);
  message("app", "gateway", `POST ${request.path}`, request.fields);
  const refunded = dataOf(await app.send(request, requestedRefund));
  await showCalls(demo, order.orderNumber, details.calls.refund);
  message("gateway", "app", "code 0", refunded);
  const repeated = dataOf(await app.refund(order.orderId));
  check("a repeated request returns the same refund", repeated, refunded);
  const { refunds } = await sandbox.order(order.orderNumber);
  const amounts = refunds.map((one) => [one.outRefundNo, one.refundFee]);
  check("WeChat has one refund, of the whole amount", amounts, [[refunded.refund_no, PRICE]]);
  const view = await viewOf(demo, order);
  check("the state is accepted, not refunded", view.ref_state, "2");
  return refunded;
}

/** WeChat pays the refund out, and the gateway calls the app. */
export async function refundOutcome(
  demo: Demo,
  order: CreatedOrder,
  refunded: RequestedRefund,
): Promise<void> {
  const { receiver, sandbox, details } = demo;
  chapter("WeChat pays the refund out, and the gateway calls the app");
  const done = await sandbox.decideRefund(refunded.refund_no, "SUCCESS");
  message("WeChat", "payer", `refunds ${yuan(PRICE)}`);
  check("the refund has succeeded at WeChat", done.status, "SUCCESS");
  await showNotification(demo, order, "refund");
  remark(details.refundRemark);
  await showCalls(demo, order.orderNumber, details.calls.refundQuery);
  const callback = await receiver.waitForCallback(order.orderNumber, "refund");
  showCallback(callback);
  check("amount and state are correct", pick(callback, "refund_free", "ref_state"), ["6800", "4"]);
}

/** The order's record at the end. */
export async function summary(demo: Demo, order: CreatedOrder): Promise<void> {
  chapter("The order as the app sees it now");
  const { app, receiver } = demo;
  message("app", "gateway", "POST /order", { appId: app.id, order_id: order.orderId });
  // The app's answer to the callback is recorded a moment after it was sent.
  const view = await eventually("both callbacks to be confirmed", async () => {
    const now = await viewOf(demo, order);
    return now.ref_notify_state === "2" && now.pay_notify_state === "2" ? now : undefined;
  });
  table([
    ["pay_order_number", view.pay_order_number, "the order's number at WeChat (out_trade_no)"],
    ["transaction_id", view.transaction_id ?? "", "WeChat's id of the payment"],
    ["refund_no", view.refund_no ?? "", "the refund's number at WeChat (out_refund_no)"],
    ["refund_id", view.refund_id ?? "", "WeChat's id of the refund"],
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
  check("paid and refunded", [view.pay_state, view.ref_state], ["2", "4"]);
  check("refunded in full", [view.total_free, view.refund_free], [PRICE, PRICE]);
  const calls = receiver.callbacksFor(order.orderNumber).length;
  check("the app was called once for each event", calls, 2);
}
