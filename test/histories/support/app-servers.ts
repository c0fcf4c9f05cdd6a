import { createHash, createHmac } from "node:crypto";
import type { AppReplyName } from "./steps.ts";

/** What an app can verify its callbacks with. */
export interface AppKeys {
  readonly appId: number;
  readonly salt: string;
  readonly webhookSecret: string;
}

/** One call to an app, received or lost on its way. */
export interface AppCall {
  readonly appId: number;
  readonly event: "pay" | "refund";
  readonly fields: ReadonlyMap<string, string>;
  readonly body: string;
  /** Both of its signatures fit. */
  readonly authentic: boolean;
}

/** The servers of all apps: record what they are told, and confirm unless told otherwise. */
export class AppServers {
  readonly calls: AppCall[] = [];
  readonly #keys: ReadonlyMap<string, AppKeys>;
  #replies: AppReplyName[] = [];

  /** @param keys by the app's host */
  constructor(keys: ReadonlyMap<string, AppKeys>) {
    this.#keys = keys;
  }

  /** How the next calls are answered, one reply a call. */
  reply(replies: readonly AppReplyName[]): void {
    this.#replies.push(...replies);
  }

  heal(): void {
    this.#replies = [];
  }

  async answer(request: Request): Promise<Response> {
    const { host, pathname } = new URL(request.url);
    const keys = this.#keys.get(host);
    if (keys === undefined) throw new Error(`the gateway called ${request.url}`);
    const reply = this.#replies.shift() ?? "confirm";
    const body = new TextDecoder().decode(await request.arrayBuffer());
    this.calls.push({
      appId: keys.appId,
      event: pathname === "/pay" ? "pay" : "refund",
      fields: new Map(new URLSearchParams(body)),
      body,
      authentic: isSigned(body, keys.salt) && isWebhook(request.headers, body, keys.webhookSecret),
    });
    if (reply === "unreachable") throw new TypeError("Network connection lost.");
    return REPLIES[reply]();
  }
}

const REPLIES: Readonly<Record<Exclude<AppReplyName, "unreachable">, () => Response>> = {
  confirm: () => new Response(" SUCCESS\n"),
  "json 0": () => Response.json({ code: 0 }),
  "json 1": () => Response.json({ code: 1 }),
  "http 500": () => new Response("success", { status: 500 }),
  redirect: () => new Response("success", { status: 302, headers: { location: "/elsewhere" } }),
  garbage: () => new Response("\u0000<html>success</html>"),
  "retry later": () => new Response("busy", { status: 503, headers: { "retry-after": "1800" } }),
};

/** The contract's `sign`, over the very bytes received. */
function isSigned(body: string, salt: string): boolean {
  const pairs = body.split("&");
  const sign = pairs.find((pair) => pair.startsWith("sign="));
  const rest = pairs.filter((pair) => pair !== sign).toSorted();
  const digest = createHash("sha1").update(salt + rest.join("&") + salt);
  return sign === `sign=${digest.digest("hex")}`;
}

/** Standard Webhooks. */
function isWebhook(headers: Headers, body: string, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signed = `${headers.get("webhook-id")}.${headers.get("webhook-timestamp")}.${body}`;
  const mac = createHmac("sha256", key).update(signed).digest("base64");
  return headers.get("webhook-signature") === `v1,${mac}`;
}
