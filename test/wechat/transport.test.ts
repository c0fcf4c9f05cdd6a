import { describe, expect, test } from "vitest";
import { exchange, type HttpOutcome, type HttpRequest } from "../../src/wechat/transport.ts";

const HOSTS = { baseUrl: "https://wechat.test", spareUrl: "https://spare.test" };

const request: HttpRequest = {
  method: "POST",
  path: "/pay/orderquery",
  headers: { "content-type": "text/xml; charset=utf-8" },
  body: "<xml></xml>",
  // Longer than any test without a hanging answer.
  timeoutMs: 30_000,
  maxBytes: 10,
};

interface Exchanged {
  readonly outcome: HttpOutcome;
  readonly urls: string[];
  readonly inits: RequestInit[];
}

async function run(
  answers: readonly (() => Promise<Response>)[],
  changes: Partial<HttpRequest> = {},
  spareUrl: string | null = HOSTS.spareUrl,
): Promise<Exchanged> {
  const urls: string[] = [];
  const inits: RequestInit[] = [];
  const outcome = await exchange(
    { ...HOSTS, spareUrl },
    async (url, init) => {
      urls.push(url);
      inits.push(init);
      const answer = answers[urls.length - 1];
      if (answer === undefined) return new Response("no answer left", { status: 599 });
      return await answer();
    },
    { ...request, ...changes },
  );
  return { outcome, urls, inits };
}

const answering = (text: string, init?: ResponseInit) => async (): Promise<Response> =>
  new Response(text, init);

const unreachable = async (): Promise<Response> => {
  throw new TypeError("connection refused");
};

const hanging = async (): Promise<Response> => await new Promise<Response>(() => undefined);

/** Sends these chunks, then calls `end`. */
function streaming(
  chunks: readonly string[],
  end: (controller: ReadableStreamDefaultController<Uint8Array>) => void,
): () => Promise<Response> {
  return async () => {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
        end(controller);
      },
    });
    return new Response(stream);
  };
}

function textOf(outcome: HttpOutcome): string {
  return outcome.kind === "answered" ? new TextDecoder().decode(outcome.body) : outcome.reason;
}

describe("exchange", () => {
  test("sends the request as built, follows no redirect, and sets a time limit", async () => {
    const { urls, inits } = await run([answering("ok")]);
    expect(urls).toEqual(["https://wechat.test/pay/orderquery"]);
    expect(inits[0]).toMatchObject({
      method: "POST",
      body: "<xml></xml>",
      headers: { "content-type": "text/xml; charset=utf-8" },
      redirect: "manual",
    });
    expect(inits[0]?.signal).toBeInstanceOf(AbortSignal);
  });

  test.each([200, 204, 302, 404, 500, 502])("returns a %i without a retry", async (status) => {
    const text = status === 204 ? null : "body";
    const { outcome, urls } = await run([async () => new Response(text, { status })]);
    expect(outcome).toMatchObject({ kind: "answered", status });
    expect(textOf(outcome)).toBe(text ?? "");
    expect(urls).toHaveLength(1);
  });

  test("joins the chunks of an answer", async () => {
    const { outcome } = await run([
      streaming(["ab", "", "cd"], (controller) => controller.close()),
    ]);
    expect(textOf(outcome)).toBe("abcd");
  });

  test("tries the spare host once, with the same bytes, when the connection fails", async () => {
    const { outcome, urls, inits } = await run([unreachable, answering("ok")]);
    expect(textOf(outcome)).toBe("ok");
    expect(urls).toEqual([
      "https://wechat.test/pay/orderquery",
      "https://spare.test/pay/orderquery",
    ]);
    expect(inits[1]?.body).toBe(inits[0]?.body);
  });

  test("fails when the spare host can't be reached either", async () => {
    const { outcome, urls } = await run([unreachable, unreachable, answering("ok")]);
    expect(outcome.kind).toBe("failed");
    expect(urls).toHaveLength(2);
  });

  test("fails at once without a spare host", async () => {
    const { outcome, urls } = await run([unreachable, answering("ok")], {}, null);
    expect(outcome).toEqual({ kind: "failed", reason: "no connection: connection refused" });
    expect(urls).toHaveLength(1);
  });

  test("treats a fetch that throws synchronously as a failed connection", async () => {
    const outcome = await exchange(
      { ...HOSTS, spareUrl: null },
      () => {
        throw new TypeError("invalid URL");
      },
      request,
    );
    expect(outcome).toEqual({ kind: "failed", reason: "no connection: invalid URL" });
  });

  test("doesn't try the spare host after a timeout", async () => {
    const { outcome, urls } = await run([hanging, answering("ok")], { timeoutMs: 20 });
    expect(outcome).toEqual({ kind: "failed", reason: "no answer within 20 ms" });
    expect(urls).toHaveLength(1);
  });

  test("applies one time limit to both hosts", async () => {
    const { outcome, urls } = await run([unreachable, hanging, answering("ok")], { timeoutMs: 20 });
    expect(outcome).toEqual({ kind: "failed", reason: "no answer within 20 ms" });
    expect(urls).toHaveLength(2);
  });

  test("applies the time limit to reading the body", async () => {
    const { outcome, urls } = await run([streaming(["ab"], () => undefined), answering("ok")], {
      timeoutMs: 20,
    });
    expect(outcome).toEqual({ kind: "failed", reason: "no whole answer within 20 ms" });
    expect(urls).toHaveLength(1);
  });

  test("fails when the answer is cut off", async () => {
    const broken = streaming([], (controller) => controller.error(new Error("reset")));
    const { outcome, urls } = await run([broken, answering("ok")]);
    expect(outcome).toEqual({ kind: "failed", reason: "answer broke off: reset" });
    expect(urls).toHaveLength(1);
  });

  test("reads up to the size limit, even of an endless answer", async () => {
    expect(textOf((await run([answering("0123456789")])).outcome)).toBe("0123456789");
    const endless = streaming(["012345", "678901"], () => undefined);
    const { outcome, urls } = await run([endless, answering("ok")]);
    expect(outcome).toEqual({ kind: "failed", reason: "answer longer than 10 bytes" });
    expect(urls).toHaveLength(1);
  });
});
