/** A call that an app received. */
export interface AppCall {
  readonly url: string;
  readonly redirect: string | undefined;
  readonly headers: Headers;
  /** The raw body. */
  readonly body: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Answers one call to an app. */
export type AppResponse = (call: AppCall, signal: AbortSignal | null) => Promise<Response>;

/** The servers of all apps: they record every call and confirm it unless the test sets a response. */
export class AppReceiver {
  readonly calls: AppCall[] = [];
  readonly #responses: AppResponse[] = [];

  /** Sets the responses to the next calls, one per call; later calls are confirmed. */
  respondWith(...responses: AppResponse[]): void {
    this.#responses.push(...responses);
  }

  /** The calls received at this URL so far. */
  callsTo(url: string): AppCall[] {
    return this.calls.filter((call) => call.url === url);
  }

  async receive(url: string, init: RequestInit | undefined): Promise<Response> {
    const body = typeof init?.body === "string" ? init.body : "";
    const call = {
      url,
      redirect: init?.redirect,
      headers: new Headers(init?.headers),
      body,
      parameters: new Map(new URLSearchParams(body)),
    };
    this.calls.push(call);
    const respond = this.#responses.shift() ?? appResponse("success");
    return await respond(call, init?.signal ?? null);
  }
}

/** Responds with this body and status. */
export function appResponse(body: string, init: ResponseInit = {}): AppResponse {
  return async () => new Response(body, init);
}

/** Responds when `opened` resolves. */
export function appResponseAfter(opened: Promise<unknown>, body = "success"): AppResponse {
  return async () => {
    await opened;
    return new Response(body);
  };
}

/** Fails to connect. */
export const unreachable: AppResponse = async () => {
  throw new TypeError("Network connection lost.");
};

/** Never responds; ends when the caller aborts. */
export const neverResponds: AppResponse = async (_call, signal) =>
  await new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
  });

/** A body without an end; counts the bytes read and records whether the reader cancelled. */
export function endlessResponse(head: string): {
  readonly respond: AppResponse;
  readonly bytesRead: () => number;
  readonly cancelled: () => boolean;
} {
  let bytesRead = 0;
  let cancelled = false;
  const encoder = new TextEncoder();
  const respond: AppResponse = async () =>
    new Response(
      new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            const chunk = encoder.encode((bytesRead === 0 ? head : "").padEnd(1024, " "));
            bytesRead += chunk.byteLength;
            controller.enqueue(chunk);
          },
          cancel() {
            cancelled = true;
          },
        },
        { highWaterMark: 0 },
      ),
    );
  return { respond, bytesRead: () => bytesRead, cancelled: () => cancelled };
}

/** A body that stalls after these pieces; records whether the reader cancelled. */
export function stalledResponse(...pieces: string[]): {
  readonly respond: AppResponse;
  readonly cancelled: () => boolean;
} {
  let cancelled = false;
  const encoder = new TextEncoder();
  const respond: AppResponse = async () =>
    new Response(
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (const piece of pieces) controller.enqueue(encoder.encode(piece));
        },
        cancel() {
          cancelled = true;
        },
      }),
    );
  return { respond, cancelled: () => cancelled };
}

/** Responds with this status and body; the connection breaks before the body's end. */
export function truncatedResponse(body: string, init: ResponseInit = {}): AppResponse {
  return async () => {
    let sent = false;
    const stream = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (sent) controller.error(new Error("connection reset"));
          else controller.enqueue(new TextEncoder().encode(body));
          sent = true;
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(stream, init);
  };
}
