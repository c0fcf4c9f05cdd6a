import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { isCallbackSigned, isWebhookSigned } from "./app-signature.ts";
import { eventually } from "./eventually.ts";
import { portOf } from "./stack/ports.ts";

/** A callback as it arrived, and whether it is the gateway's. */
export interface Callback {
  /** `/pay` or `/refund`. */
  readonly path: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
  readonly fields: Readonly<Record<string, string>>;
  /** The contract's `sign` is valid. */
  readonly signed: boolean;
  /** The Standard Webhooks headers are valid. */
  readonly webhookSigned: boolean;
  readonly at: number;
}

/** How the app answers a callback. */
export type AppResponse = (response: ServerResponse) => void;

/** What an app verifies its callbacks with. */
export interface AppKeys {
  readonly id: number;
  readonly salt: string;
  readonly webhookSecret: string;
}

const CALLBACK_TIMEOUT_MS = 60_000;

/** An hour: workerd keeps connections, and one that closes under a call makes it fail. */
const KEEP_ALIVE_MS = 3600_000;

/** The server of one or more apps: records callbacks, verifies them, and answers well or badly. */
export class AppReceiver {
  readonly url: string;
  readonly callbacks: Callback[] = [];
  readonly #server: Server;
  readonly #keys = new Map<string, AppKeys>();
  #response: AppResponse = confirm;
  #onCallback: (callback: Callback) => void = () => undefined;

  /** Listens on a free loopback port. */
  static async start(): Promise<AppReceiver> {
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new AppReceiver(server);
  }

  private constructor(server: Server) {
    this.url = `http://127.0.0.1:${portOf(server)}`;
    this.#server = server;
    server.on("request", (request, response) => {
      this.#receive(request, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : new Error(String(error)));
      });
    });
  }

  /** From now on, callbacks that name this app are verified with its keys; others never verify. */
  trust(app: AppKeys): void {
    this.#keys.set(String(app.id), app);
  }

  /** Answers in this way from now on. */
  respondWith(response: AppResponse): void {
    this.#response = response;
  }

  /** Calls `listener` with each callback that arrives from now on. */
  onCallback(listener: (callback: Callback) => void): void {
    this.#onCallback = listener;
  }

  /** The callbacks about an order, by its number. */
  callbacksFor(orderNumber: string, event?: "pay" | "refund"): readonly Callback[] {
    return this.callbacks.filter(
      ({ fields }) =>
        fields["pay_order_number"] === orderNumber &&
        (event === undefined || fields["event"] === event),
    );
  }

  /** Waits for callbacks about an order; returns the last of the first `count`. */
  async waitForCallback(
    orderNumber: string,
    event: "pay" | "refund",
    count = 1,
  ): Promise<Callback> {
    return await eventually(
      `callback ${count} (${event}) about ${orderNumber}`,
      () => this.callbacksFor(orderNumber, event)[count - 1],
      CALLBACK_TIMEOUT_MS,
    );
  }

  /** Stops listening: the machine refuses calls from now on. `resume` reverses it. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** Listens again, on the same port. */
  async resume(): Promise<void> {
    this.#server.listen(Number(new URL(this.url).port), "127.0.0.1");
    await once(this.#server, "listening");
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const fields = Object.fromEntries(new URLSearchParams(body));
    const keys = this.#keys.get(fields["appId"] ?? "");
    const callback: Callback = {
      path: request.url ?? "",
      headers: request.headers,
      body,
      fields,
      signed: keys !== undefined && isCallbackSigned(body, keys.salt),
      webhookSigned:
        keys !== undefined && isWebhookSigned(request.headers, body, keys.webhookSecret),
      at: Date.now(),
    };
    this.callbacks.push(callback);
    this.#onCallback(callback);
    this.#response(response);
  }
}

/** Confirms the callback, as the contract asks. */
export const confirm: AppResponse = (response) => {
  response.end("success");
};
