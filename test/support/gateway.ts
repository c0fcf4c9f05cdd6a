import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createHash } from "node:crypto";
import worker from "../../src/index.ts";
import type { Shop } from "./shop.ts";

export type Values = Readonly<Record<string, string | number>>;

/** An answer of the three endpoints. */
export interface Answer {
  readonly status: number;
  readonly requestId: string | null;
  /** The body as it came. */
  readonly text: string;
  readonly code: number;
  readonly errmsg: string | null;
  readonly data: Readonly<Record<string, unknown>> | null;
}

/** One request to the gateway: its answer, and the end of what goes on after the answer. */
export interface Exchange {
  readonly response: Promise<Response>;
  readonly over: Promise<void>;
}

/** Sends a request without waiting for anything. */
export function begin(path: string, init: RequestInit = {}, bindings: Env = env): Exchange {
  const context = createExecutionContext();
  const request = new Request<unknown, IncomingRequestCfProperties>(
    new Request(`https://gateway.test${path}`, init),
  );
  const response = Promise.resolve(worker.fetch(request, bindings, context));
  return { response, over: response.then(async () => await waitOnExecutionContext(context)) };
}

/** Sends a request and waits for its answer and for all that goes on after it. */
export async function send(
  path: string,
  init: RequestInit = {},
  bindings?: Env,
): Promise<Response> {
  const { response, over } = begin(path, init, bindings);
  await over;
  return await response;
}

/** The endpoint's answer to a signed request of the shop's app. */
export async function ask(
  shop: Shop,
  path: string,
  values: Values,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return await read(await send(path, formOf(signed(shop, values), headers)));
}

/** Reads an answer of the three endpoints. */
export async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const body: Pick<Answer, "code" | "errmsg" | "data"> = JSON.parse(text);
  return {
    status: response.status,
    requestId: response.headers.get("x-request-id"),
    text,
    ...body,
  };
}

/** The values with `appId` and `sign`; written anew here, so that one mistake can't pass twice. */
export function signed(shop: Pick<Shop, "appId" | "salt">, values: Values): URLSearchParams {
  const all = Object.entries({ appId: shop.appId, ...values }).map(
    ([name, value]) => [name, String(value)] as const,
  );
  const sorted = new URLSearchParams(
    all.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, value]),
  );
  const text = shop.salt + sorted.toString() + shop.salt;
  const sign = createHash("sha1").update(text).digest("hex");
  return new URLSearchParams([...sorted, ["sign", sign]]);
}

/** A POST of these parameters as a form. */
export function formOf(
  parameters: URLSearchParams,
  headers: Readonly<Record<string, string>> = {},
): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: parameters.toString(),
  };
}
