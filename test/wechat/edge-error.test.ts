import { describe, expect, test } from "vitest";
import { openStream } from "../../src/wechat/stream.ts";
import { exchange, type HttpRequest } from "../../src/wechat/transport.ts";
import { order, prepayRequest, refundRequest } from "./support/fixtures.ts";
import { body, stubWechat } from "./support/wechat-stub.ts";
import { stubV3 } from "./v3/support/stub.ts";

const HOSTS = { baseUrl: "https://wechat.test", spareUrl: "https://spare.test" };
const LIMITS = { headMs: 5_000, stallMs: 5_000, wholeMs: 10_000, maxBytes: 1_000 };
const request: HttpRequest = {
  method: "POST",
  path: "/call",
  headers: {},
  body: "<xml></xml>",
  timeoutMs: 30_000,
  // Shorter than Cloudflare's bodies.
  maxBytes: 10,
};

/** What Cloudflare sends in a host's place, in its three forms. */
const OWN_BODIES = (status: number): string[] => [
  `error code: ${status}`,
  `<!DOCTYPE html><title>api.mch.weixin.qq.com | ${status}</title><a href="https://www.cloudflare.com/5xx-error-landing">`,
  JSON.stringify({ status, error_code: status, cloudflare_error: true }),
];
const EDGE = [520, 521, 522, 523, 524, 525, 526, 530].flatMap((status) =>
  OWN_BODIES(status).map((text) => ({ status, text })),
);
const WECHATS = [
  { status: 520, text: "an unknown server's" },
  { status: 524, text: "" },
  ...[520, 522, 530].flatMap((status) => [
    { status, text: "<xml><return_code>FAIL</return_code></xml>" },
    { status, text: '{"code":"SYSTEM_ERROR","message":"cloudflare"}' },
    { status, text: "error code: 522", signed: true },
  ]),
];

type Answer = () => Promise<Response>;

function network(...answers: Answer[]) {
  const urls: string[] = [];
  const fetch = async (url: string): Promise<Response> => {
    urls.push(url);
    const answer = answers[urls.length - 1];
    return answer === undefined ? new Response(null, { status: 599 }) : await answer();
  };
  return { urls, fetch };
}

const answering =
  (text: string, init?: ResponseInit): Answer =>
  async () =>
    new Response(text, init);

describe("an answer that Cloudflare makes in the host's place", () => {
  test.for(EDGE)("sends a call to the spare host: $status $text", async ({ status, text }) => {
    const { urls, fetch } = network(answering(text, { status }), answering("ok"));
    const outcome = await exchange(HOSTS, fetch, request);
    expect(outcome).toMatchObject({ kind: "answered", status: 200 });
    expect(urls).toEqual(["https://wechat.test/call", "https://spare.test/call"]);
  });

  test.for(EDGE)("opens a stream at the spare host: $status $text", async ({ status, text }) => {
    const { urls, fetch } = network(answering(text, { status }), answering("bill"));
    const outcome = await openStream(HOSTS, fetch, request, LIMITS);
    if (outcome.kind === "failed") throw new Error(outcome.reason);
    expect(await new Response(outcome.body).text()).toBe("bill");
    expect(urls).toEqual(["https://wechat.test/call", "https://spare.test/call"]);
  });

  test("is a failure when it is the spare host's too", async () => {
    const { fetch } = network(
      answering("error code: 522", { status: 522 }),
      answering("error code: 1016", { status: 530 }),
    );
    expect(await exchange(HOSTS, fetch, request)).toEqual({
      kind: "failed",
      reason:
        "no connection: HTTP 522 of Cloudflare; spare host: no connection: HTTP 530 of Cloudflare",
    });
  });

  test("is known by its status when its body breaks off", async () => {
    const { urls, fetch } = network(broken, answering("ok"));
    expect(await exchange(HOSTS, fetch, request)).toMatchObject({ status: 200 });
    expect(urls).toHaveLength(2);
  });
});

describe("an answer with such a status that isn't Cloudflare's", () => {
  test.for(WECHATS)("is WeChat's: $status $text", async ({ status, text, ...rest }) => {
    const headers: Record<string, string> =
      "signed" in rest ? { "wechatpay-signature": "AA==" } : {};
    const { urls, fetch } = network(answering(text, { status, headers }));
    const limit = { ...request, maxBytes: 1_000 };
    expect(await exchange(HOSTS, fetch, limit)).toMatchObject({ kind: "answered", status });
    const stream = network(answering(text, { status, headers }));
    const opened = await openStream(HOSTS, stream.fetch, request, LIMITS);
    if (opened.kind === "failed") throw new Error(opened.reason);
    expect(await new Response(opened.body).text()).toBe(text);
    expect([...urls, ...stream.urls]).toHaveLength(2);
  });

  test("is held to the call's size", async () => {
    const { fetch } = network(answering("<xml><return_code>FAIL</return_code>", { status: 522 }));
    expect(await exchange(HOSTS, fetch, request)).toEqual({
      kind: "failed",
      reason: "answer longer than 10 bytes",
    });
  });
});

describe.for([
  { protocol: "v2", stub: stubWechat },
  { protocol: "v3", stub: stubV3 },
])("an outage of both hosts, API$protocol", ({ stub }) => {
  const down = [522, 521, 523, 530].map((status) => body(`error code: ${status}`, status));

  test("leaves the outcome of every call unknown, after both were tried", async () => {
    for (const call of [
      async ({ wechat }: ReturnType<typeof stub>) => await wechat.prepay(prepayRequest),
      async ({ wechat }: ReturnType<typeof stub>) => await wechat.queryPayment(order),
      async ({ wechat }: ReturnType<typeof stub>) => await wechat.refund(refundRequest),
      async ({ wechat }: ReturnType<typeof stub>) =>
        await wechat.openBill({ day: "2026-11-22", wechatAppId: order.wechatAppId }),
    ]) {
      const client = stub(down);
      expect(await call(client)).toMatchObject({ kind: "unknown" });
      const hosts = client.sent.map(({ url }) => new URL(url).host);
      expect(hosts.slice(0, 2)).toEqual(["wechat.test", "spare.test"]);
    }
  });
});

async function broken(): Promise<Response> {
  return new Response(
    new ReadableStream({
      start(controller) {
        controller.error(new Error("reset"));
      },
    }),
    { status: 521 },
  );
}
