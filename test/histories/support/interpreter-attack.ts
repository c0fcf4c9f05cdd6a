import type { OrderRow } from "../../../src/db/rows.ts";
import { send } from "../../support/gateway.ts";
import { requestAs } from "./app-requests.ts";
import { assertInvariant } from "./invariants.ts";
import { appById, type Merchant } from "./merchant.ts";
import { isAcknowledgement, type SentNotification } from "./network.ts";
import type { Simulation } from "./simulation.ts";
import { rowsSince } from "./snapshot.ts";
import type { Forgery, Step } from "./steps.ts";

/** Posts a notification that WeChat did not sign: it is not acknowledged and changes no row. */
export async function postForgery(
  simulation: Simulation,
  { order: index, forgery }: Extract<Step, { type: "forged notification" }>,
): Promise<void> {
  const { merchant, baseline, snapshot, network } = simulation;
  const order = snapshot.orders[index % Math.max(snapshot.orders.length, 1)];
  const before = await network.observe(async () => await rowsSince(baseline));
  const event = forgery === "refund" ? "refund" : "pay";
  const protocol = merchant.signType === "RSA" ? "v3" : "v2";
  const path = `/notify/${protocol}/${merchant.merchantId}/${event}`;
  const genuine = network.notifications.findLast((notification) => notification.path === path);
  const body = bodyOf(simulation, forgery, order, genuine);
  // An exact repeat is not a forgery: WeChat repeats notifications too.
  if (body === genuine?.body) return;
  const response = await send(path, { method: "POST", headers: genuine?.headers ?? {}, body });
  assertInvariant(
    !(await isAcknowledgement(response)),
    "I10",
    "a forged notification was acknowledged",
  );
  const after = await network.observe(async () => await rowsSince(baseline));
  const isUnchanged = JSON.stringify(after) === JSON.stringify(before);
  assertInvariant(isUnchanged, "I10", "a forged notification changed a row");
}

function bodyOf(
  { merchant }: Simulation,
  forgery: Forgery,
  order: OrderRow | undefined,
  genuine: SentNotification | undefined,
): string {
  switch (forgery) {
    case "garbage":
      return "<xml><a>";
    case "payment":
    case "refund":
      return forgedBody(merchant, order, forgery);
    case "replayed signature":
      // Sent with a genuine notification's headers; in APIv2 for another order or amount.
      return genuine === undefined
        ? "{}"
        : genuine.body.replaceAll(/[0-9a-f]{32}/g, order?.number ?? "").replace(/100|"/, "1 ");
  }
}

/** The most plausible message that can be written without the keys. */
function forgedBody(
  { mchId, signType }: Merchant,
  order: OrderRow | undefined,
  forgery: "payment" | "refund",
): string {
  const number = order?.number ?? "0".repeat(32);
  if (signType === "RSA") {
    const resource = { algorithm: "AEAD_AES_256_GCM", ciphertext: "AAAA", nonce: "0".repeat(12) };
    const event_type = forgery === "payment" ? "TRANSACTION.SUCCESS" : "REFUND.SUCCESS";
    return JSON.stringify({ id: "1", event_type, resource_type: "encrypt-resource", resource });
  }
  const head = `<return_code>SUCCESS</return_code><appid>${order?.wechatAppId ?? ""}</appid><mch_id>${mchId}</mch_id>`;
  const body =
    forgery === "payment"
      ? `<result_code>SUCCESS</result_code><out_trade_no>${number}</out_trade_no><transaction_id>4200000000202001010000000000</transaction_id><total_fee>${order?.totalFen ?? 1}</total_fee><sign>${"A".repeat(32)}</sign>`
      : `<req_info>${btoa("0".repeat(32))}</req_info>`;
  return `<xml>${head}${body}</xml>`;
}

/** The merchant's other app requests the order: the answer is the one for an absent order. */
export async function requestForeignOrder(
  simulation: Simulation,
  order: OrderRow,
  refund: boolean,
): Promise<void> {
  const { merchant, baseline, network } = simulation;
  const owner = appById(merchant, order.appId);
  const foreignApp = merchant.apps.find((app) => app !== owner) ?? merchant.apps[0];
  const path = refund ? "/refund/refund-money" : "/order";
  const request = async (order_id: number) =>
    await requestAs(simulation, foreignApp, path, {
      order_id,
      ...(refund ? { platForm: 1 } : { sync: 1 }),
    });
  const before = await network.observe(async () => await rowsSince(baseline));
  const [foreign, absent] = [await request(order.id), await request(999_999_999)];
  // D1 may fail in either request.
  if (foreign.code === 503 || absent.code === 503) return;
  assertInvariant(
    foreign.text === absent.text,
    "I7",
    `another app's order is answered unlike an absent one: ${foreign.text}`,
  );
  const after = await network.observe(async () => await rowsSince(baseline));
  const isUnchanged = JSON.stringify(after) === JSON.stringify(before);
  assertInvariant(isUnchanged, "I7", "an app changed another app's order");
}
