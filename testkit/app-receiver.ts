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
  /** The contract's `sign` fits. */
  readonly signed: boolean;
  /** The Standard Webhooks header fits. */
  readonly webhookSigned: boolean;
  readonly at: number;
}

/** How the app answers a callback. */
export type Manner = (response: ServerResponse) => void;

export interface AppKeys {
  readonly salt: string;
  readonly webhookSecret: string;
}

/** The server of an app: records callbacks, verifies them, and answers well or badly. */
export class AppReceiver {
  readonly url: string;
  readonly callbacks: Callback[] = [];
  readonly #server: Server;
  #keys: AppKeys | undefined;
  #manner: Manner = confirm;
  #onCallback: (callback: Callback) => void = () => undefined;

  /** Listens on a free loopback port. */
  static async start(): Promise<AppReceiver> {
    const server = createServer();
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

  /** The keys to verify with: the app's, once it is registered. */
  trust(keys: AppKeys): void {
    this.#keys = keys;
  }

  /** From now on answers in this manner. */
  answer(manner: Manner): void {
    this.#manner = manner;
  }

  /** Has each callback told to `listener` too. */
  onCallback(listener: (callback: Callback) => void): void {
    this.#onCallback = listener;
  }

  /** The callbacks about an order, by its number. */
  about(orderNumber: string, event?: "pay" | "refund"): readonly Callback[] {
    return this.callbacks.filter(
      ({ fields }) =>
        fields["pay_order_number"] === orderNumber &&
        (event === undefined || fields["event"] === event),
    );
  }

  /** Waits for callbacks about an order; returns the last of the first `count`. */
  async heard(orderNumber: string, event: "pay" | "refund", count = 1): Promise<Callback> {
    return await eventually(
      `callback ${count} (${event}) about ${orderNumber}`,
      () => this.about(orderNumber, event)[count - 1],
      60_000,
    );
  }

  /** Nobody listens any more: calls are refused by the machine. `resume` takes it back. */
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
    const callback: Callback = {
      path: request.url ?? "",
      headers: request.headers,
      body,
      fields: Object.fromEntries(new URLSearchParams(body)),
      signed: this.#keys !== undefined && isCallbackSigned(body, this.#keys.salt),
      webhookSigned:
        this.#keys !== undefined &&
        isWebhookSigned(request.headers, body, this.#keys.webhookSecret),
      at: Date.now(),
    };
    this.callbacks.push(callback);
    this.#onCallback(callback);
    this.#manner(response);
  }
}

/** The app has understood. */
export const confirm: Manner = (response) => {
  response.end("success");
};
