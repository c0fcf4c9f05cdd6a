import { describe, expect, it } from "vitest";
import type { WechatPay } from "../../../src/wechat/types.ts";
import { REFUND_NO } from "../support/fixtures.ts";
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
  readonly ask: (wechat: WechatPay) => Promise<{ readonly kind: string }>;
  /** A good answer, and what it is taken for. */
  readonly good: object;
  readonly kind: string;
  /** How often an unknown answer is asked for. */
  readonly tries: number;
}

const CALLS: readonly Case[] = [
  {
    name: "prepay",
    ask: async (wechat) => await wechat.prepay(prepayRequest),
    good: { prepay_id: "wx2016" },
    kind: "prepared",
    tries: 2,
  },
  {
    name: "query",
    ask: async (wechat) => await wechat.queryPayment(order),
    good: transaction(),
    kind: "paid",
    tries: 1,
  },
  {
    name: "close",
    ask: async (wechat) => await wechat.close(order),
    good: {},
    kind: "closed",
    tries: 1,
  },
  {
    name: "refund",
    ask: async (wechat) => await wechat.refund(refundRequest),
    good: refundReport(),
    kind: "accepted",
    tries: 1,
  },
  {
    name: "refund query",
    ask: async (wechat) => await wechat.queryRefund(order, REFUND_NO),
    good: refundReport(),
    kind: "found",
    tries: 1,
  },
];

const nowS = () => Math.floor(Date.now() / 1000);

describe.each(CALLS)("$name", ({ ask, good, kind, tries }) => {
  const text = JSON.stringify(good);
  const headers = signedHeaders(text);

  it("relies on a good answer, signed with any of the merchant's keys", async () => {
    for (const signer of [keys.publicKey, keys.certificateA]) {
      const { wechat, sent, lookedFor } = stubV3([signed(good, { signer })]);
      expect((await ask(wechat)).kind).toBe(kind);
      expect([sent.length, lookedFor]).toEqual([1, []]);
    }
  });

  it("looks once more for a key that it lacks", async () => {
    const answer = signed(good, { signer: keys.certificateB });
    const late = stubV3([answer], { lateKey: certificateB });
    expect((await ask(late.wechat)).kind).toBe(kind);
    expect(late.lookedFor).toEqual([certificateB.id]);
    const none = stubV3([answer, answer]);
    expect((await ask(none.wechat)).kind).toBe("unknown");
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
    ["cut short", raw(text.slice(0, -1), 200, headers)],
    ["too long", signed(`${text}${" ".repeat(65_536)}`)],
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

  it.each(BAD)("takes an answer %s for unknown", async (_name, answer) => {
    const { wechat, sent } = stubV3([answer, answer, answer]);
    expect((await ask(wechat)).kind).toBe("unknown");
    expect(sent.map(({ url }) => new URL(url).host)).toEqual(Array(tries).fill("wechat.test"));
  });

  it.each([
    ["no JSON", "<xml></xml>"],
    ["no object", "[]"],
    ["empty", ""],
    ["not UTF-8", "\u{fffd}"],
  ])(
    "takes a signed answer that is %s for unknown, where it must tell something",
    async (_n, body) => {
      const { wechat } = stubV3([signed(body), signed(body)]);
      expect((await ask(wechat)).kind).toBe(kind === "closed" ? "closed" : "unknown");
    },
  );

  it("repeats the same request once after a signature probe", async () => {
    const { wechat, sent } = stubV3([probe(good), signed(good)]);
    expect((await ask(wechat)).kind).toBe(kind);
    expect([sent[1]?.method, sent[1]?.url, sent[1]?.body]).toEqual([
      sent[0]?.method,
      sent[0]?.url,
      sent[0]?.body,
    ]);
  });

  it("never takes a probe for a yes", async () => {
    const { wechat, sent } = stubV3(Array(9).fill(probe(good)));
    expect((await ask(wechat)).kind).toBe("unknown");
    expect(sent).toHaveLength(2 * tries);
  });

  it("tries the spare host exactly once when there is no connection", async () => {
    const { wechat, sent } = stubV3([unreachable(), signed(good)]);
    expect((await ask(wechat)).kind).toBe(kind);
    expect(sent.map(({ url }) => new URL(url).host)).toEqual(["wechat.test", "spare.test"]);
    expect(sent[1]?.body).toBe(sent[0]?.body);
  });

  it("takes a no for a no, though it is unsigned", async () => {
    const { wechat, sent } = stubV3([refusal(403, "NO_AUTH", "商户无权限")]);
    expect(await ask(wechat)).toEqual({
      kind: "refused",
      code: "NO_AUTH",
      message: "商户无权限",
      blame: "merchant",
    });
    expect(sent).toHaveLength(1);
  });

  it("doesn't loop on a wrong signature of ours", async () => {
    const { wechat, sent } = stubV3([refusal(401, "SIGN_ERROR", "签名错误")]);
    expect(await ask(wechat)).toMatchObject({ kind: "refused", blame: "merchant" });
    expect(sent).toHaveLength(1);
  });

  it("never tells a key or a signature", async () => {
    const { wechat } = stubV3(Array(4).fill(raw(text, 200, signedHeaders(`${text} `))));
    const told = JSON.stringify(await ask(wechat));
    expect(told).not.toMatch(/[A-Za-z0-9+/]{40}/);
    expect(told).not.toContain(API_V3_KEY);
  });
});
