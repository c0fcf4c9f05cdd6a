import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { AppKeys, Callback } from "../../testkit/app-receiver.ts";

/** The floor's callbacks go to this path, and aren't compared. */
export const FLOOR_PATH = "/floor";

/** The requests of the parent to `receiver-program.ts`, one request at a time. */
export type ReceiverRequest =
  | { readonly kind: "trust"; readonly app: AppKeys }
  | { readonly kind: "callbacks"; readonly from: number };

export interface ReceiverAnswer {
  /** From the requested one on. */
  readonly callbacks: readonly Callback[];
}

/** The apps' server (receiver-program.ts), as its parent sees it. */
export class ReceiverProcess {
  readonly url: string;
  readonly callbacks: Callback[] = [];
  readonly #child: ChildProcess;

  static async start(): Promise<ReceiverProcess> {
    const child = fork(path.join(import.meta.dirname, "receiver-program.ts"));
    const [url] = await once(child, "message");
    return new ReceiverProcess(String(url), child);
  }

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /** Verifies the callbacks of this app with its keys from now on. */
  async trust({ id, salt, webhookSecret }: AppKeys): Promise<void> {
    await this.#send({ kind: "trust", app: { id, salt, webhookSecret } });
  }

  /** Fetches new callbacks; returns how many there are now. */
  async fetchCallbacks(): Promise<number> {
    const answer = await this.#send({ kind: "callbacks", from: this.callbacks.length });
    this.callbacks.push(...answer.callbacks);
    return this.callbacks.length;
  }

  stop(): void {
    this.#child.disconnect();
  }

  async #send(request: ReceiverRequest): Promise<ReceiverAnswer> {
    const answered = once(this.#child, "message");
    this.#child.send(request);
    const [answer]: readonly ReceiverAnswer[] = await answered;
    if (answer === undefined) throw new Error("the receiver's process sent no answer");
    return answer;
  }
}
