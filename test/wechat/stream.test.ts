import { describe, expect, test } from "vitest";
import { openStream, type StreamLimits } from "../../src/wechat/stream.ts";
import type { HttpRequest } from "../../src/wechat/transport.ts";

const LIMITS: StreamLimits = { headMs: 5_000, stallMs: 5_000, wholeMs: 10_000, maxBytes: 1_000 };
const HOSTS = { baseUrl: "https://wechat.test", spareUrl: "https://spare.test" };
const request: HttpRequest = {
  method: "POST",
  path: "/bill",
  headers: { "content-type": "text/xml" },
  body: "<xml></xml>",
  timeoutMs: 1,
  maxBytes: 1,
};

type Answer = (init: RequestInit) => Promise<Response>;

async function open(answers: readonly Answer[], limits: Partial<StreamLimits> = {}) {
  const urls: string[] = [];
  const outcome = await openStream(
    HOSTS,
    async (url, init) => {
      urls.push(url);
      return (await answers[urls.length - 1]?.(init)) ?? new Response(null, { status: 599 });
    },
    request,
    { ...LIMITS, ...limits },
  );
  return { outcome, urls };
}

/** The body's text, or the reason of the failure. */
async function read({ outcome }: Awaited<ReturnType<typeof open>>): Promise<string> {
  if (outcome.kind === "failed") return outcome.reason;
  try {
    return await new Response(outcome.body).text();
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

const sends =
  (...chunks: string[]): Answer =>
  async () =>
    new Response(
      new ReadableStream({
        start(controller) {
          for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
          controller.close();
        },
      }),
    );

/** Sends one chunk, then nothing until the connection is cancelled. */
const stalls: Answer = async () =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("beginning"));
      },
    }),
  );

const hangs: Answer = async () => await new Promise<Response>(() => null);
const unreachable: Answer = async () => {
  throw new TypeError("connection refused");
};

describe("openStream", () => {
  test("passes the bytes through", async () => {
    expect(await read(await open([sends("one ", "two")]))).toBe("one two");
    expect(await read(await open([async () => new Response(null)]))).toBe("");
  });

  test("pulls a chunk only when it is read", async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1;
          controller.enqueue(new Uint8Array(10));
        },
      },
      { highWaterMark: 0 },
    );
    const { outcome } = await open([async () => new Response(body)]);
    expect(pulled).toBe(0);
    if (outcome.kind === "failed") throw new Error(outcome.reason);
    const reader = outcome.body.getReader();
    await reader.read();
    expect(pulled).toBe(1);
    await reader.cancel();
  });

  test("tries the spare host only when the first can't be reached", async () => {
    const viaSpare = await open([unreachable, sends("spare")]);
    expect(viaSpare.urls).toEqual(["https://wechat.test/bill", "https://spare.test/bill"]);
    expect(await read(viaSpare)).toBe("spare");
    const { outcome, urls } = await open([
      async () => new Response("", { status: 500 }),
      sends("x"),
    ]);
    expect(outcome).toMatchObject({ kind: "answered", status: 500 });
    expect(urls).toHaveLength(1);
  });

  test("times out without trying the spare host when no answer begins", async () => {
    const late = await open([hangs, sends("spare")], { headMs: 10 });
    expect(late.outcome).toEqual({ kind: "failed", reason: "no answer within 10 ms" });
    expect(late.urls).toHaveLength(1);
  });

  test("aborts an answer that stalls, takes too long, or is too large", async () => {
    expect(await read(await open([stalls], { stallMs: 10 }))).toContain(
      "nothing arrived within 10",
    );
    expect(await read(await open([stalls], { wholeMs: 10 }))).toContain("nothing arrived within");
    expect(await read(await open([sends("x".repeat(1_001))]))).toContain("longer than 1000 bytes");
    expect(await read(await open([sends("x".repeat(1_000))]))).toHaveLength(1_000);
  });
});
