import { describe, expect, test } from "vitest";
import type { WechatPay } from "../../../src/wechat/types.ts";
import { REFUND_NO, TRANSACTION_ID } from "../support/fixtures.ts";
import {
  API_V3_KEY,
  certificateB,
  keys,
  order,
  prepayRequest,
  refundRequest,
} from "./support/fixtures.ts";
import { refundReport, signedHeaders, transaction } from "./support/messages.ts";
import { probe, raw, refusal, signed, stubV3, unreachable, type Answer } from "./support/stub.ts";

interface Case {
  readonly name: string;
  readonly call: (wechat: WechatPay) => Promise<{ readonly kind: string }>;
  /** A good answer, and its kind. */
  readonly good: object;
  readonly kind: string;
  /** Number of calls after an unknown outcome. */
  readonly tries: number;
}

const CALLS: readonly Case[] = [
  {
    name: "prepay",
    call: async (wechat) => await wechat.prepay(prepayRequest),
    good: { prepay_id: "wx2016" },
    kind: "prepared",
    tries: 2,
  },
  {
    name: "query",
    call: async (wechat) => await wechat.queryPayment(order),
    good: transaction(),
    kind: "paid",
    tries: 1,
  },
  {
    name: "query by transaction_id",
    call: async (wechat) => await wechat.queryTransaction(TRANSACTION_ID, order.wechatAppId),
    good: transaction(),
    kind: "found",
    tries: 1,
  },
  {
    name: "close",
    call: async (wechat) => await wechat.close(order),
    good: {},
    kind: "closed",
    tries: 1,
  },
  {
    name: "refund",
    call: async (wechat) => await wechat.refund(refundRequest),
    good: refundReport(),
    kind: "accepted",
    tries: 1,
  },
  {
    name: "refund query",
    call: async (wechat) => await wechat.queryRefund(order, REFUND_NO),
    good: refundReport(),
    kind: "found",
    tries: 1,
  },
];

const nowS = () => Math.floor(Date.now() / 1000);

describe.each(CALLS)("I6: $name", ({ name, call, good, kind, tries }) => {
  const cause = name === "refund" ? { cause: "other" } : {};

  const text = JSON.stringify(good);
  const headers = signedHeaders(text);

  test("accepts a good answer, signed with any of the merchant's keys", async () => {
    for (const signer of [keys.publicKey, keys.certificateA]) {
      const { wechat, sent, lookedUp } = stubV3([signed(good, { signer })]);
      expect((await call(wechat)).kind).toBe(kind);
      expect([sent.length, lookedUp]).toEqual([1, []]);
    }
  });

  test("looks up an unknown key once", async () => {
    const answer = signed(good, { signer: keys.certificateB });
    const late = stubV3([answer], { lateKey: certificateB });
    expect((await call(late.wechat)).kind).toBe(kind);
    expect(late.lookedUp).toEqual([certificateB.id]);
    const none = stubV3([answer, answer]);
    expect((await call(none.wechat)).kind).toBe("unknown");
  });

  const BAD: [string, Answer][] = [
    ["unsigned", raw(text, 200)],
    ["signed for another body", raw(text, 200, signedHeaders(`${text} `))],
    [
      "signed with another key",
      signed(good, { signer: { ...keys.publicKey, privateKey: keys.otherMerchant.privateKey } }),
    ],
    ["from 301 s ago", signed(good, { timestamp: nowS() - 301 })],
    ["from the future", signed(good, { timestamp: nowS() + 330 })],
    ["that is truncated", raw(text.slice(0, -1), 200, headers)],
    ["that is too long", signed(`${text}${" ".repeat(65_536)}`)],
    ["with status 201", raw(text, 201, headers)],
    ["with status 302", raw(text, 302, headers)],
    ["with status 500", raw(text, 500, headers)],
    ["of a proxy's 404", raw("<html>404 Not Found</html>", 404)],
    ["of a proxy's 403", raw('{"error":"blocked"}', 403)],
    ["of a proxy's 502", raw("<html></html>", 502)],
    ["of an empty 400", raw("", 400)],
    ["of 500 SYSTEM_ERROR", refusal(500, "SYSTEM_ERROR")],
    ["of an unlisted 503", refusal(503, "BRAND_NEW")],
  ];

  test.each(BAD)("returns unknown for an answer %s", async (_name, answer) => {
    const { wechat, sent } = stubV3([answer, answer, answer]);
    expect((await call(wechat)).kind).toBe("unknown");
    expect(sent.map(({ url }) => new URL(url).host)).toEqual(Array(tries).fill("wechat.test"));
  });

  test.each([
    ["not JSON", "<xml></xml>"],
    ["not an object", "[]"],
    ["empty", ""],
    ["not UTF-8", "\u{fffd}"],
  ])(
    "returns unknown for a signed answer that is %s, if the call needs its content",
    async (_n, body) => {
      const { wechat } = stubV3([signed(body), signed(body)]);
      expect((await call(wechat)).kind).toBe(kind === "closed" ? "closed" : "unknown");
    },
  );

  test("retries the same request once after a signature probe", async () => {
    const { wechat, sent } = stubV3([probe(good), signed(good)]);
    expect((await call(wechat)).kind).toBe(kind);
    expect([sent[1]?.method, sent[1]?.url, sent[1]?.body]).toEqual([
      sent[0]?.method,
      sent[0]?.url,
      sent[0]?.body,
    ]);
  });

  test("never accepts a probe", async () => {
    const { wechat, sent } = stubV3(Array(9).fill(probe(good)));
    expect((await call(wechat)).kind).toBe("unknown");
    expect(sent).toHaveLength(2 * tries);
  });

  test("tries the spare host exactly once when the connection fails", async () => {
    const { wechat, sent } = stubV3([unreachable(), signed(good)]);
    expect((await call(wechat)).kind).toBe(kind);
    expect(sent.map(({ url }) => new URL(url).host)).toEqual(["wechat.test", "spare.test"]);
    expect(sent[1]?.body).toBe(sent[0]?.body);
  });

  test("returns refused for an unsigned refusal", async () => {
    const { wechat, sent } = stubV3([refusal(403, "NO_AUTH", "商户无权限")]);
    expect(await call(wechat)).toEqual({
      kind: "refused",
      code: "NO_AUTH",
      message: "商户无权限",
      blame: "merchant",
      ...cause,
    });
    expect(sent).toHaveLength(1);
  });

  test("doesn't retry when WeChat rejects our signature", async () => {
    const { wechat, sent } = stubV3([refusal(401, "SIGN_ERROR", "签名错误")]);
    expect(await call(wechat)).toMatchObject({ kind: "refused", blame: "merchant" });
    expect(sent).toHaveLength(1);
  });
});

describe.each(CALLS)("I9: $name", ({ call, good }) => {
  const text = JSON.stringify(good);

  test("doesn't reveal a key or a signature", async () => {
    const { wechat } = stubV3(Array(4).fill(raw(text, 200, signedHeaders(`${text} `))));
    const answer = JSON.stringify(await call(wechat));
    expect(answer).not.toMatch(/[A-Za-z0-9+/]{40}/);
    expect(answer).not.toContain(API_V3_KEY);
  });
});
