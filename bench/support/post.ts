import http from "node:http";

/** An answer, and the time from the request's first byte to the answer's last. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly ms: number;
}

/** A request of any kind; a POST when it doesn't say. */
export interface RequestToSend {
  readonly method?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** Ends a request that is never answered. */
const REQUEST_TIMEOUT_MS = 30_000;

/** A client with little overhead: kept connections, and no more than needed of each answer. */
export class Client {
  readonly #agent = new http.Agent({ keepAlive: true });

  async post(
    url: string,
    contentType: string,
    body: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return await this.#send("POST", url, { "content-type": contentType, ...headers }, body);
  }

  async send(url: string, request: RequestToSend): Promise<Answer> {
    const { method = "POST", headers, body } = request;
    return await this.#send(method, url, headers, body);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(
    method: string,
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string | Uint8Array,
  ): Promise<Answer> {
    return await new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const request = http.request(url, { method, agent: this.#agent, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (piece: string) => {
          text += piece;
        });
        response.once("error", reject);
        response.once("end", () => {
          resolve({ status: response.statusCode ?? 0, text, ms: performance.now() - startedAt });
        });
      });
      // Emitted twice after a time-out: for it, and for the connection.
      request.on("error", reject);
      request.setTimeout(REQUEST_TIMEOUT_MS, () => {
        request.destroy(
          new Error(`${method} ${url}: no answer within ${REQUEST_TIMEOUT_MS / 1000} s`),
        );
      });
      request.end(body);
    });
  }
}
