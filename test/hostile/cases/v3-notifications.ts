import { Buffer } from "node:buffer";
import { keys } from "../../wechat/v3/support/fixtures.ts";
import { notificationBody, seal, signedHeaders } from "../../wechat/v3/support/messages.ts";
import { bytes, post, type Case, type Cases, casesFor } from "../support/case.ts";
import { CANARIES } from "../support/canaries.ts";
import { pathOf, routesOf, type NotificationRoute, type RouteName } from "../support/routes.ts";
import type { Target } from "../support/target.ts";

type HeaderValues = Readonly<Record<string, string>>;

/** Changes to the headers of a genuine notification; undefined removes a header. */
const INVALID_HEADERS: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
  "without a timestamp": { "Wechatpay-Timestamp": undefined },
  "without a nonce": { "Wechatpay-Nonce": undefined },
  "without a serial number": { "Wechatpay-Serial": undefined },
  "without a signature": { "Wechatpay-Signature": undefined },
  "with an empty timestamp": { "Wechatpay-Timestamp": "" },
  "with an empty nonce": { "Wechatpay-Nonce": "" },
  "with an empty serial number": { "Wechatpay-Serial": "" },
  "with an empty signature": { "Wechatpay-Signature": "" },
  "with a timestamp in ms": { "Wechatpay-Timestamp": "2208988800000" },
  "with a negative timestamp": { "Wechatpay-Timestamp": "-1" },
  "with a timestamp in exponent notation": { "Wechatpay-Timestamp": "2.2e9" },
  "with a timestamp in hex": { "Wechatpay-Timestamp": "0x83aa7e80" },
  "with a timestamp that isn't a number": { "Wechatpay-Timestamp": "now" },
  "with a timestamp of zero": { "Wechatpay-Timestamp": "0" },
  "with two timestamps": { "Wechatpay-Timestamp": "2208988800, 2208988800" },
  "with another nonce": { "Wechatpay-Nonce": "another" },
  "with two nonces": { "Wechatpay-Nonce": "a, b" },
  "with a nonce of a thousand letters": { "Wechatpay-Nonce": "n".repeat(1_000) },
  "with two serial numbers": { "Wechatpay-Serial": `${keys.publicKey.id}, x` },
  "with SQL as the serial number": { "Wechatpay-Serial": "' or 1=1 --" },
  "with a serial number that is a path": { "Wechatpay-Serial": "../../x" },
  "with a signature that is too short": {
    "Wechatpay-Signature": `${CANARIES.signature}==`.slice(0, 36),
  },
  "with a signature that isn't base64": { "Wechatpay-Signature": "!!!!" },
  "with a signature of zeroes": { "Wechatpay-Signature": Buffer.alloc(256).toString("base64") },
  "with a signature of one byte": { "Wechatpay-Signature": "AA==" },
  "with a signature of eight kilobytes": { "Wechatpay-Signature": "A".repeat(8_192) },
  "with the signature of a probe": { "Wechatpay-Signature": "WECHATPAY/SIGNTEST/abc" },
  "with the signature type SM2": { "Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3" },
  "with the signature type none": { "Wechatpay-Signature-Type": "none" },
};

/** Replaces the headers or the body of a genuine notification, so that its signature is invalid or expired. */
type Forgery = (
  headers: HeaderValues,
  body: string,
) => { readonly headers: HeaderValues; readonly body: string };

const headersAt = (seconds: number, body: string) =>
  signedHeaders(body, { timestamp: Math.floor(Date.now() / 1000) + seconds });

const FORGERIES: Readonly<Record<string, Forgery>> = {
  "signed five minutes ago": (_, body) => ({ headers: headersAt(-300, body), body }),
  "signed five minutes in the future": (_, body) => ({ headers: headersAt(300, body), body }),
  "signed a year ago": (_, body) => ({ headers: headersAt(-31_536_000, body), body }),
  "replayed at another time": (headers, body) => ({
    headers: {
      ...headers,
      "Wechatpay-Timestamp": String(Number(headers["Wechatpay-Timestamp"]) + 1),
    },
    body,
  }),
  "replayed with an extra space": (headers, body) => ({ headers, body: `${body} ` }),
  "replayed with another event": (headers, body) => ({
    headers,
    body: body.replace("SUCCESS", "CLOSED"),
  }),
  "replayed with another ciphertext": (headers, body) => ({
    headers,
    body: body.replace(/"ciphertext":"..../, '"ciphertext":"AAAA'),
  }),
  "replayed without a body": (headers) => ({ headers, body: "" }),
  "replayed with another body": (headers) => ({ headers, body: "{}" }),
  "signed with another key than its serial number names": (_, body) => ({
    headers: {
      ...signedHeaders(body, { signer: keys.certificateB }),
      "Wechatpay-Serial": keys.publicKey.id,
    },
    body,
  }),
  "signed with the merchant's own key": (_, body) => ({
    headers: {
      ...signedHeaders(body, {
        signer: { id: keys.publicKey.id, privateKey: keys.merchant.privateKey },
      }),
    },
    body,
  }),
};

/** Bodies that can't be read, though their signature is valid. */
const UNREADABLE_BODIES: Readonly<Record<string, (target: Target, body: string) => string>> = {
  "that is empty": () => "",
  "that isn't JSON": () => "<xml></xml>",
  "that is an array": () => "[]",
  "that is null": () => "null",
  "that is an empty object": () => "{}",
  "of arrays thirty thousand deep": () => "[".repeat(30_000) + "]".repeat(30_000),
  "without a resource": (_, body) => body.replace('"resource":', '"resources":'),
  "with the resource in __proto__": (_, body) => body.replace('"resource":', '"__proto__":'),
  "with a null resource": () => '{"event_type":"TRANSACTION.SUCCESS","resource":null}',
  "of an unknown event": (_, body) =>
    body.replace(/"event_type":"[^"]*"/, '"event_type":"COUPON.USE"'),
  "of an event that is an array": (_, body) =>
    body.replace(/"event_type":"[^"]*"/, '"event_type":["x"]'),
  "of the event __proto__": (_, body) =>
    body.replace(/"event_type":"[^"]*"/, '"event_type":"__proto__"'),
  "with another cipher": (_, body) => body.replace("AEAD_AES_256_GCM", "none"),
  "with another nonce": (_, body) => body.replace("fdasflkja484", "fdasflkja485"),
  "with an empty nonce": (_, body) => body.replace("fdasflkja484", ""),
  "with a nonce of a thousand letters": (_, body) =>
    body.replace("fdasflkja484", "n".repeat(1_000)),
  "with other associated data": (_, body) =>
    body.replace(/"associated_data":"[^"]*"/, '"associated_data":"x"'),
  "without associated data": (_, body) =>
    body.replace(/"associated_data":"[^"]*"/, '"associated_data":null'),
  "with an empty ciphertext": (_, body) => body.replace(/"ciphertext":"[^"]*"/, '"ciphertext":""'),
  "with a ciphertext without its tag": (_, body) =>
    body.replace(/"ciphertext":"[^"]*"/, '"ciphertext":"AAAA"'),
  "with a ciphertext that isn't base64": (_, body) =>
    body.replace(/"ciphertext":"[^"]*"/, '"ciphertext":"!!"'),
  "with a ciphertext of sixty thousand letters": (_, body) =>
    body.replace(/"ciphertext":"[^"]*"/, `"ciphertext":"${"A".repeat(60_000)}"`),
  "encrypted with another key": (_, body) =>
    notificationBody(eventOf(body), { trade_state: "SUCCESS" }, {}, CANARIES.apiV3Key),
  "around an empty object": (_, body) => notificationBody(eventOf(body), {}),
  "around a JSON string": (_, body) => resealed(body, '"SUCCESS"'),
  "around text that isn't JSON": (_, body) => resealed(body, "SUCCESS"),
  "around an empty text": (_, body) => resealed(body, ""),
  "around __proto__": (_, body) => resealed(body, '{"__proto__":{"trade_state":"SUCCESS"}}'),
  "about another merchant": ({ unrelated, orders }, body) =>
    notificationBody(
      eventOf(body),
      contentWith({ mchid: unrelated.mchId, out_trade_no: orders.ofV3.number }),
    ),
  "about an order number that is a JSON number": (_, body) =>
    notificationBody(eventOf(body), contentWith({ out_trade_no: 1 })),
  "about an order without a number": (_, body) =>
    notificationBody(eventOf(body), contentWith({ out_trade_no: "" })),
  "about an order number in upper case": (_, body) =>
    notificationBody(eventOf(body), contentWith({ out_trade_no: "F".repeat(32) })),
  "about an order number of thirty thousand digits": (_, body) =>
    notificationBody(eventOf(body), contentWith({ out_trade_no: "0".repeat(30_000) })),
  "about an unknown state": (_, body) =>
    notificationBody(
      eventOf(body),
      contentWith({ trade_state: "USERPAYING", refund_status: "MAYBE" }),
    ),
};

function contentWith(changes: object): object {
  return {
    appid: "wxfeedbeef00000001",
    mchid: "1900009999",
    out_trade_no: "0".repeat(32),
    transaction_id: "4200000000202011230000000002",
    trade_type: "JSAPI",
    trade_state: "SUCCESS",
    success_time: "2040-01-01T12:00:00+08:00",
    payer: { openid: CANARIES.openId },
    amount: { total: 100, payer_total: 100, currency: "CNY" },
    out_refund_no: "0".repeat(32),
    refund_status: "SUCCESS",
    ...changes,
  };
}

function eventOf(body: string): string {
  return body.includes("REFUND.SUCCESS") ? "REFUND.SUCCESS" : "TRANSACTION.SUCCESS";
}

/** The notification with another plain text in its resource. */
function resealed(body: string, plain: string): string {
  const resource = seal(plain, "transaction");
  return notificationBody(eventOf(body), {}, resource);
}

async function genuine(
  route: NotificationRoute,
  target: Target,
): Promise<{ headers: HeaderValues; body: string }> {
  const { headers, body } = await route.genuine(target);
  if (typeof body !== "string") throw new Error("the notification's body isn't a text");
  return { headers: Object.fromEntries(new Headers(headers)), body };
}

/** Restores the case of header names, which `Headers` lowers. */
function withCase(headers: HeaderValues): HeaderValues {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()),
      value,
    ]),
  );
}

function requestTo(
  name: RouteName,
  target: Target,
  headers: HeaderValues,
  body: string,
  id?: string,
) {
  return { path: pathOf(name, target, id), init: post(body, "application/json", headers) };
}

/** WeChat's valid signature on a body that can't be read. */
function signedCase(
  name: RouteName,
  route: NotificationRoute,
  title: string,
  change: (target: Target, body: string) => string,
): Case {
  const unreadable: Case = {
    name: `validly signed, ${title}`,
    route: name,
    answer: "v3 not accepted",
    request: async (target) => {
      const body = change(target, (await genuine(route, target)).body);
      return requestTo(name, target, signedHeaders(body), body);
    },
  };
  // Only WeChat can have signed it, so it opens an incident about the merchant's APIv3 key.
  return DOES_NOT_DECRYPT.test(title) ? { ...unreadable, allows: "rows" } : unreadable;
}

const DOES_NOT_DECRYPT = /\b(nonce|associated data|ciphertext|another key)\b/;

export const v3Notifications: Cases = casesFor(routesOf("v3"), ([name, route]) => [
  ...Object.entries(INVALID_HEADERS).map(([title, changes]): Case => ({
    name: title,
    route: name,
    answer: "v3 not authentic",
    request: async (target) => {
      const { headers, body } = await genuine(route, target);
      const all = Object.entries({ ...withCase(headers), ...changes });
      const kept = all.flatMap(([header, value]) => (value === undefined ? [] : [[header, value]]));
      return requestTo(name, target, Object.fromEntries(kept), body);
    },
  })),
  ...["__proto__", "41".repeat(20), "PUB_KEY_ID_0000000000", keys.publicKey.id.toLowerCase()].map(
    (serial): Case => ({
      name: `with the unknown serial number ${serial}`,
      route: name,
      answer: "v3 not authentic",
      // It may be a new certificate, so the certificates are fetched once.
      allows: "calls",
      request: async (target) => {
        const { headers, body } = await genuine(route, target);
        return requestTo(name, target, { ...withCase(headers), "Wechatpay-Serial": serial }, body);
      },
    }),
  ),
  ...Object.entries(FORGERIES).map(([title, forge]): Case => ({
    name: title,
    route: name,
    answer: "v3 not authentic",
    request: async (target) => {
      const { headers, body } = await genuine(route, target);
      const forged = forge(withCase(headers), body);
      return requestTo(name, target, forged.headers, forged.body);
    },
  })),
  ...Object.entries(UNREADABLE_BODIES).map(([title, change]) =>
    signedCase(name, route, title, change),
  ),
  {
    name: "at the path of a merchant without APIv3",
    route: name,
    answer: "v3 not authentic",
    request: async (target) => {
      const { headers, body } = await genuine(route, target);
      return requestTo(name, target, headers, body, String(target.shop.merchantId));
    },
  },
  {
    name: "with bytes that aren't UTF-8",
    route: name,
    answer: "v3 not authentic",
    request: async (target) => {
      const { headers } = await genuine(route, target);
      return {
        path: pathOf(name, target),
        init: post(bytes(0xff, 0xfe, 0xc0, 0xaf), "application/json", headers),
      };
    },
  },
  {
    name: "of 64 KB and one byte",
    route: name,
    answer: "v3 too large",
    request: async (target) => {
      const body = "x".repeat(65_537);
      return requestTo(name, target, signedHeaders(body), body);
    },
  },
  {
    name: "of 64 KB of spaces, validly signed",
    route: name,
    answer: "v3 not accepted",
    request: async (target) => {
      const body = " ".repeat(65_536);
      return requestTo(name, target, signedHeaders(body), body);
    },
  },
]);
