import { createHash, createHmac } from "node:crypto";
import type { AppResponse } from "./steps.ts";

/** The secrets with which an app verifies its callbacks. */
export interface AppKeys {
  readonly appId: number;
  readonly salt: string;
  readonly webhookSecret: string;
}

/** One callback to an app, whether or not its response reached the gateway. */
export interface AppCall {
  readonly appId: number;
  readonly event: "pay" | "refund";
  readonly fields: ReadonlyMap<string, string>;
  readonly body: string;
  /** Both signatures are valid: the contract's and Standard Webhooks'. */
  readonly authentic: boolean;
}

/** The servers of all apps: they record every callback, and confirm unless `respondWith` says otherwise. */
export class AppServers {
  readonly calls: AppCall[] = [];
  readonly #keys: ReadonlyMap<string, AppKeys>;
  #responses: AppResponse[] = [];

  /** @param keys by the app's host */
  constructor(keys: ReadonlyMap<string, AppKeys>) {
    this.#keys = keys;
  }

  /** Sets the responses to the next calls, one per call. */
  respondWith(responses: readonly AppResponse[]): void {
    this.#responses.push(...responses);
  }

  /** From now on every call is confirmed. */
  clearResponses(): void {
    this.#responses = [];
  }

  /** Records a callback and responds. Throws when the connection is to be lost. */
  async handle(request: Request): Promise<Response> {
    const { host, pathname } = new URL(request.url);
    const keys = this.#keys.get(host);
    if (keys === undefined) throw new Error(`the gateway called ${request.url}`);
    const response = this.#responses.shift() ?? "confirm";
    const body = new TextDecoder().decode(await request.arrayBuffer());
    this.calls.push({
      appId: keys.appId,
      event: pathname === "/pay" ? "pay" : "refund",
      fields: new Map(new URLSearchParams(body)),
      body,
      authentic:
        hasValidSign(body, keys.salt) &&
        hasValidWebhookSignature(request.headers, body, keys.webhookSecret),
    });
    if (response === "unreachable") throw new TypeError("Network connection lost.");
    return RESPONSES[response]();
  }
}

const RESPONSES: Readonly<Record<Exclude<AppResponse, "unreachable">, () => Response>> = {
  confirm: () => new Response(" SUCCESS\n"),
  "json 0": () => Response.json({ code: 0 }),
  "json 1": () => Response.json({ code: 1 }),
  "http 500": () => new Response("success", { status: 500 }),
  redirect: () => new Response("success", { status: 302, headers: { location: "/elsewhere" } }),
  garbage: () => new Response("\u0000<html>success</html>"),
  "retry later": () => new Response("busy", { status: 503, headers: { "retry-after": "1800" } }),
};

/** Checks the contract's `sign` over the bytes as received. */
function hasValidSign(body: string, salt: string): boolean {
  const pairs = body.split("&");
  const sign = pairs.find((pair) => pair.startsWith("sign="));
  const rest = pairs.filter((pair) => pair !== sign).toSorted();
  const digest = createHash("sha1").update(salt + rest.join("&") + salt);
  return sign === `sign=${digest.digest("hex")}`;
}

/** Checks the signature of Standard Webhooks. */
function hasValidWebhookSignature(headers: Headers, body: string, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = `${headers.get("webhook-id")}.${headers.get("webhook-timestamp")}.${body}`;
  const mac = createHmac("sha256", key).update(signed).digest("base64");
  return headers.get("webhook-signature") === `v1,${mac}`;
}
