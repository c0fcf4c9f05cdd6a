import { describe, expect, it } from "vitest";
import { exchange, type HttpOutcome, type HttpRequest } from "../../src/wechat/transport.ts";

const HOSTS = { baseUrl: "https://wechat.test", spareUrl: "https://spare.test" };

const request: HttpRequest = {
  method: "POST",
  path: "/pay/orderquery",
  headers: { "content-type": "text/xml; charset=utf-8" },
  body: "<xml></xml>",
  // Long enough for every test in which nothing hangs.
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

const refusing = async (): Promise<Response> => {
  throw new TypeError("connection refused");
};

const hanging = async (): Promise<Response> => await new Promise<Response>(() => undefined);

/** Hands out these chunks, then what `end` does. */
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
  it("sends the request as it was built, follows no redirect, and sets a limit", async () => {
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

  it.each([200, 204, 302, 404, 500, 502])(
    "hands over a %i without asking again",
    async (status) => {
      const text = status === 204 ? null : "body";
      const { outcome, urls } = await run([async () => new Response(text, { status })]);
      expect(outcome).toMatchObject({ kind: "answered", status });
      expect(textOf(outcome)).toBe(text ?? "");
      expect(urls).toHaveLength(1);
    },
  );

  it("joins the chunks of an answer", async () => {
    const { outcome } = await run([
      streaming(["ab", "", "cd"], (controller) => controller.close()),
    ]);
    expect(textOf(outcome)).toBe("abcd");
  });

  it("tries the spare host once, with the same bytes, when no connection is made", async () => {
    const { outcome, urls, inits } = await run([refusing, answering("ok")]);
    expect(textOf(outcome)).toBe("ok");
    expect(urls).toEqual([
      "https://wechat.test/pay/orderquery",
      "https://spare.test/pay/orderquery",
    ]);
    expect(inits[1]?.body).toBe(inits[0]?.body);
  });

  it("gives up when the spare host can't be reached either", async () => {
    const { outcome, urls } = await run([refusing, refusing, answering("ok")]);
    expect(outcome.kind).toBe("failed");
    expect(urls).toHaveLength(2);
  });

  it("gives up at once when there is no spare host", async () => {
    const { outcome, urls } = await run([refusing, answering("ok")], {}, null);
    expect(outcome).toEqual({ kind: "failed", reason: "no connection: connection refused" });
    expect(urls).toHaveLength(1);
  });

  it("takes a fetch that throws at once for no connection", async () => {
    const outcome = await exchange(
      { ...HOSTS, spareUrl: null },
      () => {
        throw new TypeError("invalid URL");
      },
      request,
    );
    expect(outcome).toEqual({ kind: "failed", reason: "no connection: invalid URL" });
  });

  it("doesn't try the spare host after its own time limit", async () => {
    const { outcome, urls } = await run([hanging, answering("ok")], { timeoutMs: 20 });
    expect(outcome).toEqual({ kind: "failed", reason: "no answer within 20 ms" });
    expect(urls).toHaveLength(1);
  });

  it("keeps one limit for both hosts", async () => {
    const { outcome, urls } = await run([refusing, hanging, answering("ok")], { timeoutMs: 20 });
    expect(outcome).toEqual({ kind: "failed", reason: "no answer within 20 ms" });
    expect(urls).toHaveLength(2);
  });

  it("keeps the limit while it reads the answer", async () => {
    const { outcome, urls } = await run([streaming(["ab"], () => undefined), answering("ok")], {
      timeoutMs: 20,
    });
    expect(outcome).toEqual({ kind: "failed", reason: "no whole answer within 20 ms" });
    expect(urls).toHaveLength(1);
  });

  it("fails when the answer breaks off", async () => {
    const broken = streaming([], (controller) => controller.error(new Error("reset")));
    const { outcome, urls } = await run([broken, answering("ok")]);
    expect(outcome).toEqual({ kind: "failed", reason: "answer broke off: reset" });
    expect(urls).toHaveLength(1);
  });

  it("reads as much as allowed and not a byte more, even of an answer without end", async () => {
    expect(textOf((await run([answering("0123456789")])).outcome)).toBe("0123456789");
    const endless = streaming(["012345", "678901"], () => undefined);
    const { outcome, urls } = await run([endless, answering("ok")]);
    expect(outcome).toEqual({ kind: "failed", reason: "answer longer than 10 bytes" });
    expect(urls).toHaveLength(1);
  });
});
