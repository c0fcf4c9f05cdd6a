import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

export interface Keys {
  readonly salt: string;
  readonly webhookSecret: string;
}

/** A callback as an app has heard it. */
export interface Heard {
  /** `/<app's id>/pay` or `/<app's id>/refund`. */
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
  /** The contract's `sign` fits. */
  readonly signed: boolean;
  /** The Standard Webhooks header fits. */
  readonly webhookSigned: boolean;
}

/** The apps' server (receiver-program.ts), seen from outside. */
export class Receiver {
  readonly url: string;
  readonly heard: Heard[] = [];
  readonly #end: () => void;

  static async start(): Promise<Receiver> {
    const child = fork(path.join(import.meta.dirname, "receiver-program.ts"));
    const [port] = await once(child, "message");
    return new Receiver(`http://127.0.0.1:${String(port)}`, () => child.disconnect());
  }

  private constructor(url: string, end: () => void) {
    this.url = url;
    this.#end = end;
  }

  async trust(appId: number, keys: Keys): Promise<void> {
    await fetch(`${this.url}/keys`, { method: "POST", body: JSON.stringify({ appId, ...keys }) });
  }

  /** Fetches what has come since the last time; returns how many callbacks there are now. */
  async listen(): Promise<number> {
    const response = await fetch(`${this.url}/heard?from=${this.heard.length}`);
    const news: readonly Heard[] = JSON.parse(await response.text());
    this.heard.push(...news);
    return this.heard.length;
  }

  stop(): void {
    this.#end();
  }
}
