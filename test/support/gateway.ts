import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createHash } from "node:crypto";
import worker from "../../src/index.ts";
import type { Shop } from "./shop.ts";

export type Values = Readonly<Record<string, string | number>>;

/** A response of one of the three endpoints. */
export interface Answer {
  readonly status: number;
  readonly requestId: string | null;
  /** The raw body. */
  readonly text: string;
  readonly code: number;
  readonly errmsg: string | null;
  readonly data: Readonly<Record<string, unknown>> | null;
}

/** A request under way: its response, and the end of the work that continues after the response. */
export interface PendingRequest {
  readonly response: Promise<Response>;
  readonly finished: Promise<void>;
}

/** Sends a request without waiting for the response. */
export function startRequest(
  path: string,
  init: RequestInit = {},
  bindings: Env = env,
): PendingRequest {
  const context = createExecutionContext();
  const request = new Request<unknown, IncomingRequestCfProperties>(
    new Request(`https://gateway.test${path}`, init),
  );
  const response = Promise.resolve(worker.fetch(request, bindings, context));
  return { response, finished: response.then(async () => await waitOnExecutionContext(context)) };
}

/** Sends a request; waits for its response and for all work that continues after it. */
export async function send(
  path: string,
  init: RequestInit = {},
  bindings?: Env,
): Promise<Response> {
  const { response, finished } = startRequest(path, init, bindings);
  await finished;
  return await response;
}

/** Posts these parameters to the endpoint, signed by the shop's app; returns the response. */
export async function postSigned(
  shop: Shop,
  path: string,
  values: Values,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return await read(await send(path, formOf(signed(shop, values), headers)));
}

/** Reads a response of one of the three endpoints. */
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

/** The values with `appId` and `sign`; implemented independently of `src`, to catch its mistakes. */
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
