/** One call that an app received. */
export interface AppCall {
  readonly url: string;
  readonly redirect: string | undefined;
  readonly headers: Headers;
  /** The body as it came. */
  readonly body: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** How an app answers one call. */
export type AppReply = (call: AppCall, signal: AbortSignal | null) => Promise<Response>;

/** The servers of all apps: record what they are told, and confirm unless told otherwise. */
export class FakeApp {
  readonly calls: AppCall[] = [];
  readonly #replies: AppReply[] = [];

  /** How the next calls are answered, one reply a call; after those the app confirms. */
  reply(...replies: AppReply[]): void {
    this.#replies.push(...replies);
  }

  /** The calls to this URL so far. */
  callsTo(url: string): AppCall[] {
    return this.calls.filter((call) => call.url === url);
  }

  async answer(url: string, init: RequestInit | undefined): Promise<Response> {
    const body = typeof init?.body === "string" ? init.body : "";
    const call = {
      url,
      redirect: init?.redirect,
      headers: new Headers(init?.headers),
      body,
      parameters: new Map(new URLSearchParams(body)),
    };
    this.calls.push(call);
    const reply = this.#replies.shift() ?? says("success");
    return await reply(call, init?.signal ?? null);
  }
}

/** Answers with this body and status. */
export function says(body: string, init: ResponseInit = {}): AppReply {
  return async () => new Response(body, init);
}

/** Answers once the gate has opened. */
export function saysLater(passed: Promise<unknown>, body = "success"): AppReply {
  return async () => {
    await passed;
    return new Response(body);
  };
}

/** A connection that can't be made. */
export const unreachable: AppReply = async () => {
  throw new TypeError("Network connection lost.");
};

/** Never answers; gives up when the caller does. */
export const hangs: AppReply = async (_call, signal) =>
  await new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
  });

/** Answers without end, and tells how many bytes were taken from it and whether it was hung up on. */
export function endless(head: string): {
  readonly reply: AppReply;
  readonly taken: () => number;
  readonly hungUp: () => boolean;
} {
  let taken = 0;
  let hungUp = false;
  const encoder = new TextEncoder();
  const reply: AppReply = async () =>
    new Response(
      new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            const chunk = encoder.encode((taken === 0 ? head : "").padEnd(1024, " "));
            taken += chunk.byteLength;
            controller.enqueue(chunk);
          },
          cancel() {
            hungUp = true;
          },
        },
        { highWaterMark: 0 },
      ),
    );
  return { reply, taken: () => taken, hungUp: () => hungUp };
}

/** Answers with these pieces and then never with the rest; tells whether it was hung up on. */
export function drips(...pieces: string[]): {
  readonly reply: AppReply;
  readonly hungUp: () => boolean;
} {
  let hungUp = false;
  const encoder = new TextEncoder();
  const reply: AppReply = async () =>
    new Response(
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (const piece of pieces) controller.enqueue(encoder.encode(piece));
        },
        cancel() {
          hungUp = true;
        },
      }),
    );
  return { reply, hungUp: () => hungUp };
}

/** Answers with this body and status, and breaks off. */
export function breaksOff(body: string, init: ResponseInit = {}): AppReply {
  return async () => {
    let begun = false;
    const stream = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (begun) controller.error(new Error("connection reset"));
          else controller.enqueue(new TextEncoder().encode(body));
          begun = true;
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(stream, init);
  };
}
