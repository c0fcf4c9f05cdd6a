import { Buffer } from "node:buffer";
import { keys } from "../../wechat/v3/support/fixtures.ts";
import { notificationBody, seal, signedHeaders } from "../../wechat/v3/support/messages.ts";
import { bytes, post, type Case, type Theme, toEach } from "../support/case.ts";
import { GIVEN } from "../support/given.ts";
import { pathOf, routesOf, type NotifyRoute, type RouteName } from "../support/routes.ts";
import type { Scene } from "../support/scene.ts";

type Heads = Readonly<Record<string, string>>;

/** The genuine notification's headers, of which some are changed; undefined takes one away. */
const HEADERS: Readonly<Record<string, Readonly<Record<string, string | undefined>>>> = {
  "without a timestamp": { "Wechatpay-Timestamp": undefined },
  "without a nonce": { "Wechatpay-Nonce": undefined },
  "without a serial number": { "Wechatpay-Serial": undefined },
  "without a signature": { "Wechatpay-Signature": undefined },
  "with an empty timestamp": { "Wechatpay-Timestamp": "" },
  "with an empty nonce": { "Wechatpay-Nonce": "" },
  "with an empty serial number": { "Wechatpay-Serial": "" },
  "with an empty signature": { "Wechatpay-Signature": "" },
  "with a timestamp in ms": { "Wechatpay-Timestamp": "2208988800000" },
  "with a timestamp below zero": { "Wechatpay-Timestamp": "-1" },
  "with a timestamp in another notation": { "Wechatpay-Timestamp": "2.2e9" },
  "with a timestamp in hex": { "Wechatpay-Timestamp": "0x83aa7e80" },
  "with a timestamp that is no number": { "Wechatpay-Timestamp": "now" },
  "with a timestamp of zero": { "Wechatpay-Timestamp": "0" },
  "with two timestamps": { "Wechatpay-Timestamp": "2208988800, 2208988800" },
  "with another nonce": { "Wechatpay-Nonce": "another" },
  "with two nonces": { "Wechatpay-Nonce": "a, b" },
  "with a nonce of a thousand letters": { "Wechatpay-Nonce": "n".repeat(1_000) },
  "with two serial numbers": { "Wechatpay-Serial": `${keys.publicKey.id}, x` },
  "with a serial number of SQL": { "Wechatpay-Serial": "' or 1=1 --" },
  "with a serial number that is a path": { "Wechatpay-Serial": "../../x" },
  "with somebody's signature": { "Wechatpay-Signature": `${GIVEN.signature}==`.slice(0, 36) },
  "with a signature of no base64": { "Wechatpay-Signature": "!!!!" },
  "with a signature of zeroes": { "Wechatpay-Signature": Buffer.alloc(256).toString("base64") },
  "with a signature of one byte": { "Wechatpay-Signature": "AA==" },
  "with a signature of eight kilobytes": { "Wechatpay-Signature": "A".repeat(8_192) },
  "with a probe's signature": { "Wechatpay-Signature": "WECHATPAY/SIGNTEST/abc" },
  "with another way of signing": { "Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3" },
  "with no way of signing": { "Wechatpay-Signature-Type": "none" },
};

/** Notifications that WeChat has signed, but not as they are now, or not of this now. */
type Forgery = (headers: Heads, body: string) => { readonly headers: Heads; readonly body: string };

const ahead = (seconds: number, body: string) =>
  signedHeaders(body, { timestamp: Math.floor(Date.now() / 1000) + seconds });

const FORGERIES: Readonly<Record<string, Forgery>> = {
  "of five minutes ago": (_, body) => ({ headers: ahead(-300, body), body }),
  "of five minutes ahead": (_, body) => ({ headers: ahead(300, body), body }),
  "of a year ago": (_, body) => ({ headers: ahead(-31_536_000, body), body }),
  "replayed at another time": (headers, body) => ({
    headers: {
      ...headers,
      "Wechatpay-Timestamp": String(Number(headers["Wechatpay-Timestamp"]) + 1),
    },
    body,
  }),
  "replayed with a blank more": (headers, body) => ({ headers, body: `${body} ` }),
  "replayed with another event": (headers, body) => ({
    headers,
    body: body.replace("SUCCESS", "CLOSED"),
  }),
  "replayed with another ciphertext": (headers, body) => ({
    headers,
    body: body.replace(/"ciphertext":"..../, '"ciphertext":"AAAA'),
  }),
  "replayed without a body": (headers) => ({ headers, body: "" }),
  "with a nonce used before, and another body": (headers) => ({ headers, body: "{}" }),
  "signed by another key than it names": (_, body) => ({
    headers: {
      ...signedHeaders(body, { signer: keys.certificateB }),
      "Wechatpay-Serial": keys.publicKey.id,
    },
    body,
  }),
  "signed by the merchant's own key": (_, body) => ({
    headers: {
      ...signedHeaders(body, {
        signer: { id: keys.publicKey.id, privateKey: keys.merchant.privateKey },
      }),
    },
    body,
  }),
};

/** Rightly signed, but nothing that can be read here. */
const BODIES: Readonly<Record<string, (scene: Scene, body: string) => string>> = {
  "that is empty": () => "",
  "that is no JSON": () => "<xml></xml>",
  "that is a list": () => "[]",
  "that is null": () => "null",
  "that is an empty object": () => "{}",
  "of lists thirty thousand deep": () => "[".repeat(30_000) + "]".repeat(30_000),
  "of no resource": (_, body) => body.replace('"resource":', '"resources":'),
  "of a prototype's resource": (_, body) => body.replace('"resource":', '"__proto__":'),
  "of a null resource": () => '{"event_type":"TRANSACTION.SUCCESS","resource":null}',
  "of another event": (_, body) =>
    body.replace(/"event_type":"[^"]*"/, '"event_type":"COUPON.USE"'),
  "of an event that is a list": (_, body) =>
    body.replace(/"event_type":"[^"]*"/, '"event_type":["x"]'),
  "of a prototype's event": (_, body) =>
    body.replace(/"event_type":"[^"]*"/, '"event_type":"__proto__"'),
  "of another cipher": (_, body) => body.replace("AEAD_AES_256_GCM", "none"),
  "of another nonce": (_, body) => body.replace("fdasflkja484", "fdasflkja485"),
  "of an empty nonce": (_, body) => body.replace("fdasflkja484", ""),
  "of a nonce of a thousand letters": (_, body) => body.replace("fdasflkja484", "n".repeat(1_000)),
  "of other associated data": (_, body) =>
    body.replace(/"associated_data":"[^"]*"/, '"associated_data":"x"'),
  "of no associated data": (_, body) =>
    body.replace(/"associated_data":"[^"]*"/, '"associated_data":null'),
  "of an empty ciphertext": (_, body) => body.replace(/"ciphertext":"[^"]*"/, '"ciphertext":""'),
  "of a ciphertext without its tag": (_, body) =>
    body.replace(/"ciphertext":"[^"]*"/, '"ciphertext":"AAAA"'),
  "of a ciphertext of no base64": (_, body) =>
    body.replace(/"ciphertext":"[^"]*"/, '"ciphertext":"!!"'),
  "of a ciphertext of sixty thousand letters": (_, body) =>
    body.replace(/"ciphertext":"[^"]*"/, `"ciphertext":"${"A".repeat(60_000)}"`),
  "encrypted with another key": (_, body) =>
    notificationBody(eventOf(body), { trade_state: "SUCCESS" }, {}, GIVEN.apiV3Key),
  "about nothing": (_, body) => notificationBody(eventOf(body), {}),
  "about a text": (_, body) => resealed(body, '"SUCCESS"'),
  "about no JSON": (_, body) => resealed(body, "SUCCESS"),
  "about an empty text": (_, body) => resealed(body, ""),
  "about a prototype": (_, body) => resealed(body, '{"__proto__":{"trade_state":"SUCCESS"}}'),
  "about another merchant": ({ stranger, orders }, body) =>
    notificationBody(
      eventOf(body),
      told({ mchid: stranger.mchId, out_trade_no: orders.ofV3.number }),
    ),
  "about an order that is a number": (_, body) =>
    notificationBody(eventOf(body), told({ out_trade_no: 1 })),
  "about an order without a number": (_, body) =>
    notificationBody(eventOf(body), told({ out_trade_no: "" })),
  "about another outcome": (_, body) =>
    notificationBody(eventOf(body), told({ trade_state: "USERPAYING", refund_status: "MAYBE" })),
};

function told(changes: object): object {
  return {
    appid: "wxfeedbeef00000001",
    mchid: "1900009999",
    out_trade_no: "0".repeat(32),
    transaction_id: "4200000000202011230000000002",
    trade_type: "JSAPI",
    trade_state: "SUCCESS",
    success_time: "2040-01-01T12:00:00+08:00",
    payer: { openid: GIVEN.openId },
    amount: { total: 100, payer_total: 100, currency: "CNY" },
    out_refund_no: "0".repeat(32),
    refund_status: "SUCCESS",
    ...changes,
  };
}

function eventOf(body: string): string {
  return body.includes("REFUND.SUCCESS") ? "REFUND.SUCCESS" : "TRANSACTION.SUCCESS";
}

/** The same notification around another plain text. */
function resealed(body: string, plain: string): string {
  const resource = seal(plain, "transaction");
  return notificationBody(eventOf(body), {}, resource);
}

async function genuine(
  route: NotifyRoute,
  scene: Scene,
): Promise<{ headers: Heads; body: string }> {
  const { headers, body } = await route.genuine(scene);
  if (typeof body !== "string") throw new Error("a notification that is no text");
  return { headers: Object.fromEntries(new Headers(headers)), body };
}

/** Names as they are signed, whatever their case was on the way. */
function canonical(headers: Heads): Heads {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()),
      value,
    ]),
  );
}

function send(name: RouteName, scene: Scene, headers: Heads, body: string, id?: string) {
  return { path: pathOf(name, scene, id), init: post(body, "application/json", headers) };
}

export const v3Notifications: Theme = toEach(routesOf("v3"), ([name, route]) => [
  ...Object.entries(HEADERS).map(([what, changes]): Case => ({
    name: what,
    route: name,
    answer: "v3 not authentic",
    request: async (scene) => {
      const { headers, body } = await genuine(route, scene);
      const all = Object.entries({ ...canonical(headers), ...changes });
      const kept = all.flatMap(([header, value]) => (value === undefined ? [] : [[header, value]]));
      return send(name, scene, Object.fromEntries(kept), body);
    },
  })),
  ...["__proto__", "41".repeat(20), "PUB_KEY_ID_0000000000", keys.publicKey.id.toLowerCase()].map(
    (serial): Case => ({
      name: `with the serial number ${serial}, which nobody knows`,
      route: name,
      answer: "v3 not authentic",
      // It may be a new certificate: WeChat is asked, once.
      may: "calls",
      request: async (scene) => {
        const { headers, body } = await genuine(route, scene);
        return send(name, scene, { ...canonical(headers), "Wechatpay-Serial": serial }, body);
      },
    }),
  ),
  ...Object.entries(FORGERIES).map(([what, forge]): Case => ({
    name: what,
    route: name,
    answer: "v3 not authentic",
    request: async (scene) => {
      const { headers, body } = await genuine(route, scene);
      const forged = forge(canonical(headers), body);
      return send(name, scene, forged.headers, forged.body);
    },
  })),
  ...Object.entries(BODIES).map(([what, change]): Case => ({
    name: `rightly signed, ${what}`,
    route: name,
    answer: "v3 not accepted",
    request: async (scene) => {
      const body = change(scene, (await genuine(route, scene)).body);
      return send(name, scene, signedHeaders(body), body);
    },
  })),
  {
    name: "at the path of a merchant without APIv3",
    route: name,
    answer: "v3 not authentic",
    request: async (scene) => {
      const { headers, body } = await genuine(route, scene);
      return send(name, scene, headers, body, String(scene.shop.merchantId));
    },
  },
  {
    name: "of bytes that aren't UTF-8",
    route: name,
    answer: "v3 not authentic",
    request: async (scene) => {
      const { headers } = await genuine(route, scene);
      return {
        path: pathOf(name, scene),
        init: post(bytes(0xff, 0xfe, 0xc0, 0xaf), "application/json", headers),
      };
    },
  },
  {
    name: "of one byte more than 64 KB",
    route: name,
    answer: "v3 too large",
    request: async (scene) => {
      const body = "x".repeat(65_537);
      return send(name, scene, signedHeaders(body), body);
    },
  },
  {
    name: "of 64 KB of blanks, rightly signed",
    route: name,
    answer: "v3 not accepted",
    request: async (scene) => {
      const body = " ".repeat(65_536);
      return send(name, scene, signedHeaders(body), body);
    },
  },
]);
