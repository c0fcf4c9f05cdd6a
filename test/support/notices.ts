import { refundNotification, signedXml } from "../wechat/support/messages.ts";
import { API_V3_KEY } from "../wechat/v3/support/fixtures.ts";
import { notificationBody, signedHeaders, type Signing } from "../wechat/v3/support/messages.ts";
import { refundOf, transactionOf } from "./fake-v3.ts";
import { send } from "./gateway.ts";
import type { Shop } from "./shop.ts";
import { paymentOf, type FakeOrder, type Fields } from "./wechat-ledger.ts";

/** A payment notification of a paid order, with one or the other field broken by `changes`. */
export function paymentNotice(
  shop: Shop,
  number: string,
  order: FakeOrder,
  changes: Fields = {},
): Record<string, string> {
  return {
    return_code: "SUCCESS",
    result_code: "SUCCESS",
    appid: shop.wechatAppId,
    mch_id: shop.mchId,
    nonce_str: "5d2b6c2a8db53831f7eda20af46e531c",
    ...paymentOf(number, order),
    ...changes,
  };
}

/** Signs a payment notification as the shop's merchant has it and posts it. Whether it was acknowledged. */
export async function notifyPayment(
  shop: Shop,
  number: string,
  order: FakeOrder,
  changes: Fields = {},
): Promise<boolean> {
  const request = await paymentRequest(shop, number, order, changes);
  return await isAcknowledged(await send(payPath(shop), request));
}

/** A rightly signed payment notification, in the shop's protocol. */
export async function paymentRequest(
  shop: Shop,
  number: string,
  order: FakeOrder,
  changes: Fields = {},
): Promise<RequestInit> {
  const notice = paymentNotice(shop, number, order, changes);
  return shop.signType === "RSA"
    ? signedPost(notificationBody("TRANSACTION.SUCCESS", transactionOf(notice)))
    : xmlPost(await signedXml(notice, shop.signType, shop.apiKey));
}

/** Posts a refund notification, encrypted under the shop's key. Whether it was acknowledged. */
export async function notifyRefund(
  shop: Shop,
  news: Record<string, string>,
  apiKey: string = shop.apiKey,
): Promise<boolean> {
  if (shop.signType === "RSA") {
    const { status, ...told } = refundOf({ refund_fee: "100", ...news });
    const body = { ...told, refund_status: status, mchid: shop.mchId };
    const key = apiKey === shop.apiKey ? API_V3_KEY : apiKey;
    const request = signedPost(notificationBody(`REFUND.${status}`, body, {}, key));
    return await isAcknowledged(await send(refundPath(shop), request));
  }
  return await post(refundPath(shop), await refundNotice(shop, news, apiKey));
}

/** A POST of an APIv3 notification, rightly signed. */
export function signedPost(body: string, signing: Signing = {}): RequestInit {
  const headers = { "content-type": "application/json", ...signedHeaders(body, signing) };
  return { method: "POST", headers, body };
}

/** A refund notification: `news` needs `out_trade_no`, `out_refund_no` and `refund_status`. */
export async function refundNotice(
  shop: Shop,
  news: Record<string, string>,
  apiKey: string = shop.apiKey,
): Promise<string> {
  const inner = {
    refund_id: "50000408942018111907145868882",
    refund_fee: "100",
    total_fee: "100",
    refund_request_source: "API",
    success_time: "2040-01-01 12:00:00",
    ...news,
  };
  return await refundNotification(inner, { appid: shop.wechatAppId, mch_id: shop.mchId }, apiKey);
}

/** Posts a message as WeChat does. Whether it was acknowledged. */
export async function post(path: string, body: string): Promise<boolean> {
  return await isAcknowledged(await send(path, xmlPost(body)));
}

/** A POST of this XML. */
export function xmlPost(body: string): RequestInit {
  return { method: "POST", headers: { "content-type": "text/xml" }, body };
}

/** Whether WeChat is told that it need not come again; anything but a yes or a no is a mistake. */
export async function isAcknowledged(response: Response): Promise<boolean> {
  const text = await response.text();
  if (response.status === 204 && text === "") return true;
  if (response.status >= 400 && text.startsWith('{"code":"FAIL","message":"')) return false;
  const [, code] = /<return_code><!\[CDATA\[(SUCCESS|FAIL)\]\]><\/return_code>/.exec(text) ?? [];
  if (response.status !== 200 || code === undefined) throw new Error(`no such answer: ${text}`);
  return code === "SUCCESS";
}

export function payPath(shop: Shop): string {
  return `/notify/${protocolOf(shop)}/${shop.merchantId}/pay`;
}

export function refundPath(shop: Shop): string {
  return `/notify/${protocolOf(shop)}/${shop.merchantId}/refund`;
}

function protocolOf({ signType }: Shop): "v2" | "v3" {
  return signType === "RSA" ? "v3" : "v2";
}
