import { refundNotification, signedXml } from "../wechat/support/messages.ts";
import { API_V3_KEY } from "../wechat/v3/support/fixtures.ts";
import { notificationBody, signedHeaders, type Signing } from "../wechat/v3/support/messages.ts";
import { refundOf, transactionOf } from "./fake-wechat-v3.ts";
import { send } from "./gateway.ts";
import type { Shop } from "./shop.ts";
import { paymentOf, type FakeOrder, type Fields } from "./wechat-ledger.ts";

/** The fields of a payment notification, with `changes` applied. */
export function paymentNotificationFields(
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

/** Posts a payment notification, signed with the merchant's key. True if it was acknowledged. */
export async function notifyPayment(
  shop: Shop,
  number: string,
  order: FakeOrder,
  changes: Fields = {},
): Promise<boolean> {
  const request = await paymentNotificationRequest(shop, number, order, changes);
  return await isAcknowledged(await send(payPath(shop), request));
}

/** A payment notification with a valid signature, in the shop's protocol. */
export async function paymentNotificationRequest(
  shop: Shop,
  number: string,
  order: FakeOrder,
  changes: Fields = {},
): Promise<RequestInit> {
  const fields = paymentNotificationFields(shop, number, order, changes);
  return shop.signType === "RSA"
    ? signedPost(notificationBody("TRANSACTION.SUCCESS", transactionOf(fields)))
    : xmlPost(await signedXml(fields, shop.signType, shop.apiKey));
}

/** Posts a refund notification, encrypted with `apiKey`. True if it was acknowledged. */
export async function notifyRefund(
  shop: Shop,
  fields: Record<string, string>,
  apiKey: string = shop.apiKey,
): Promise<boolean> {
  if (shop.signType === "RSA") {
    const { status, ...rest } = refundOf({ refund_fee: "100", ...fields });
    const body = { ...rest, refund_status: status, mchid: shop.mchId };
    const key = apiKey === shop.apiKey ? API_V3_KEY : apiKey;
    const request = signedPost(notificationBody(`REFUND.${status}`, body, {}, key));
    return await isAcknowledged(await send(refundPath(shop), request));
  }
  return await postNotification(
    refundPath(shop),
    await refundNotificationXml(shop, fields, apiKey),
  );
}

/** A POST of an APIv3 notification with a valid signature. */
export function signedPost(body: string, signing: Signing = {}): RequestInit {
  const headers = { "content-type": "application/json", ...signedHeaders(body, signing) };
  return { method: "POST", headers, body };
}

/** An APIv2 refund notification; `fields` needs `out_trade_no`, `out_refund_no`, `refund_status`. */
export async function refundNotificationXml(
  shop: Shop,
  fields: Record<string, string>,
  apiKey: string = shop.apiKey,
): Promise<string> {
  const inner = {
    refund_id: "50000408942018111907145868882",
    refund_fee: "100",
    total_fee: "100",
    refund_request_source: "API",
    success_time: "2040-01-01 12:00:00",
    ...fields,
  };
  return await refundNotification(inner, { appid: shop.wechatAppId, mch_id: shop.mchId }, apiKey);
}

/** Posts an APIv2 message as WeChat does. True if it was acknowledged. */
export async function postNotification(path: string, body: string): Promise<boolean> {
  return await isAcknowledged(await send(path, xmlPost(body)));
}

/** A POST of this XML. */
export function xmlPost(body: string): RequestInit {
  return { method: "POST", headers: { "content-type": "text/xml" }, body };
}

/** Whether the response acknowledges the notification; throws on a response in neither form. */
export async function isAcknowledged(response: Response): Promise<boolean> {
  const text = await response.text();
  if (response.status === 204 && text === "") return true;
  if (response.status >= 400 && text.startsWith('{"code":"FAIL","message":"')) return false;
  const [, code] = /<return_code><!\[CDATA\[(SUCCESS|FAIL)\]\]><\/return_code>/.exec(text) ?? [];
  if (response.status !== 200 || code === undefined)
    throw new Error(`neither an acknowledgement nor a refusal: ${text}`);
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
