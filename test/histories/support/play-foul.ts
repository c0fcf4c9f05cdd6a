import type { OrderRow } from "../../../src/db/rows.ts";
import { send } from "../../support/gateway.ts";
import { askAs } from "./ask.ts";
import { rowsSince } from "./books.ts";
import { claim } from "./claim.ts";
import type { Scene } from "./scene.ts";
import { ownerOf, type Shop } from "./shop.ts";
import type { ForgeryName, Step } from "./steps.ts";
import { isAcknowledgement, type Notice } from "./wires.ts";

/** Somebody who isn't WeChat posts to the gateway: it isn't acknowledged and changes nothing. */
export async function forge(
  scene: Scene,
  { order: pick, what }: Extract<Step, { do: "forge" }>,
): Promise<void> {
  const { shop, since, books, wires } = scene;
  const order = books.orders[pick % Math.max(books.orders.length, 1)];
  const before = await wires.peek(async () => await rowsSince(since));
  const event = what === "refund" ? "refund" : "pay";
  const protocol = shop.signType === "RSA" ? "v3" : "v2";
  const path = `/notify/${protocol}/${shop.merchantId}/${event}`;
  const learnt = wires.notices.findLast((notice) => notice.path === path);
  const body = bodyOf(scene, what, order, learnt);
  // Told again word for word it is no forgery: WeChat does that too.
  if (body === learnt?.body) return;
  const response = await send(path, { method: "POST", headers: learnt?.headers ?? {}, body });
  claim(!(await isAcknowledgement(response)), "10", "a forgery was acknowledged");
  const after = await wires.peek(async () => await rowsSince(since));
  const same = JSON.stringify(after) === JSON.stringify(before);
  claim(same, "10", "a forgery changed a row");
}

function bodyOf(
  { shop }: Scene,
  what: ForgeryName,
  order: OrderRow | undefined,
  learnt: Notice | undefined,
): string {
  switch (what) {
    case "garbage":
      return "<xml><a>";
    case "payment":
    case "refund":
      return forged(shop, order, what);
    case "replayed signature":
      // With the headers of a genuine one; in APIv2 for another order or another amount.
      return learnt === undefined
        ? "{}"
        : learnt.body.replaceAll(/[0-9a-f]{32}/g, order?.number ?? "").replace(/100|"/, "1 ");
  }
}

/** As good a message as anybody can write who doesn't have the keys. */
function forged({ mchId, signType }: Shop, order: OrderRow | undefined, event: string): string {
  const number = order?.number ?? "0".repeat(32);
  if (signType === "RSA") {
    const resource = { algorithm: "AEAD_AES_256_GCM", ciphertext: "AAAA", nonce: "0".repeat(12) };
    const event_type = event === "pay" ? "TRANSACTION.SUCCESS" : "REFUND.SUCCESS";
    return JSON.stringify({ id: "1", event_type, resource_type: "encrypt-resource", resource });
  }
  const head = `<return_code>SUCCESS</return_code><appid>${order?.wechatAppId ?? ""}</appid><mch_id>${mchId}</mch_id>`;
  const body =
    event === "pay"
      ? `<result_code>SUCCESS</result_code><out_trade_no>${number}</out_trade_no><transaction_id>4200000000202001010000000000</transaction_id><total_fee>${order?.totalFen ?? 1}</total_fee><sign>${"A".repeat(32)}</sign>`
      : `<req_info>${btoa("0".repeat(32))}</req_info>`;
  return `<xml>${head}${body}</xml>`;
}

/** The merchant's other app: it is told what it would be told of an order that isn't there. */
export async function pry(scene: Scene, order: OrderRow, refund: boolean): Promise<void> {
  const { shop, since, wires } = scene;
  const owner = ownerOf(shop, order.appId);
  const stranger = shop.apps.find((app) => app !== owner) ?? shop.apps[0];
  const path = refund ? "/refund/refund-money" : "/order";
  const ask = async (order_id: number) =>
    await askAs(scene, stranger, path, { order_id, ...(refund ? { platForm: 1 } : { sync: 1 }) });
  const before = await wires.peek(async () => await rowsSince(since));
  const [told, absent] = [await ask(order.id), await ask(999_999_999)];
  // D1 may fail for either of them.
  if (told.code === 503 || absent.code === 503) return;
  claim(told.text === absent.text, "7", `another app's order was told from an absent one`);
  const after = await wires.peek(async () => await rowsSince(since));
  claim(JSON.stringify(after) === JSON.stringify(before), "7", "another app changed an order");
}
