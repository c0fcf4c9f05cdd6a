import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { vi } from "vitest";
import { z } from "zod";
import { adminRoutes } from "../../src/admin/index.ts";
import { readConfig, type Config } from "../../src/config.ts";
import { openWork } from "../../src/settings/work-context.ts";
import type { GatewayEnv } from "../../src/env.ts";
import { newMeter } from "../../src/observability/request-meter.ts";

export const API_KEY = "an-api-key-of-32-characters-long";
export const REQUEST_ID = "request-of-a-test";

export interface RequestOptions {
  /** Sent as JSON; `raw` is sent unchanged. */
  readonly body?: unknown;
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
  readonly environment?: Config["environment"];
  readonly publicUrl?: string;
  /** Instead of the environment's. */
  readonly keys?: Pick<Config, "masterKey" | "previousMasterKey">;
}

export interface AdminResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: unknown;
}

/** Sends a request to the admin routes, mounted as in the gateway; by default with a valid token. */
export async function sendAdmin(
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<AdminResponse> {
  const config = readConfig(env);
  if (!config.ok) throw new Error(config.error.join());
  const app = new Hono<GatewayEnv>();
  app.use(async (c, next) => {
    const environment = options.environment ?? "development";
    const meter = newMeter(env, REQUEST_ID);
    c.set("requestId", REQUEST_ID);
    c.set("meter", meter);
    const { publicUrl = config.value.publicUrl } = options;
    const changed = { ...config.value, environment, publicUrl, ...options.keys };
    c.set("work", openWork(c.env, changed, meter));
    return await next();
  });
  app.route("/admin", adminRoutes);

  const body =
    options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const init: RequestInit = {
    method,
    headers: {
      authorization: `Bearer ${env.ADMIN_TOKEN}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body }),
  };
  // The shape of an mTLS certificate's binding.
  const bindings = { ...env, MERCHANT_CERT: { fetch: () => new Response() } };
  const response = await app.request(`https://gateway.test${path}`, init, bindings);
  const text = await response.text();
  const json: unknown = text === "" ? null : JSON.parse(text);
  return { status: response.status, headers: response.headers, text, json };
}

/** Makes the next query fail as when D1 is down. */
export function failNextQuery(): void {
  vi.spyOn(env.DB, "prepare").mockImplementationOnce(() => {
    throw new Error("D1_ERROR: D1 is down");
  });
}

const validationError = z.object({
  error: z.object({ fields: z.array(z.object({ path: z.string(), message: z.string() })) }),
});
const list = z.object({
  items: z.array(z.object({ id: z.number() })),
  nextCursor: z.number().nullable(),
});

/** The messages of a validation error, by field path. */
export function fieldErrors(response: AdminResponse): Record<string, string> {
  const { fields } = validationError.parse(response.json).error;
  return Object.fromEntries(fields.map((field) => [field.path, field.message]));
}

/** A page of a list: its ids and the cursor of the next page. */
export function pageIn(response: AdminResponse): { ids: number[]; nextCursor: number | null } {
  const { items, nextCursor } = list.parse(response.json);
  return { ids: items.map((item) => item.id), nextCursor };
}

/** All fields of a response. */
export function fieldsOf(response: AdminResponse): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(response.json);
}

/** A string or number field of a response, as a string. */
export function fieldOf(response: AdminResponse, name: string): string {
  return String(z.union([z.string(), z.number()]).parse(fieldsOf(response)[name]));
}

let lastMchId = 1_900_000_000;

/** A valid registration of a merchant, with a new mchId each time. */
export function merchantBody(): Record<string, unknown> {
  lastMchId++;
  return { name: "Shop", mchId: String(lastMchId), protocol: "v2", apiKey: API_KEY };
}

/** Registers a merchant; returns its id. */
export async function createMerchant(): Promise<number> {
  const response = await sendAdmin("POST", "/admin/merchants", { body: merchantBody() });
  return Number(fieldOf(response, "id"));
}

/** A valid registration of an app. */
export function appBody(merchantId: number): Record<string, unknown> {
  return {
    name: "Web shop",
    merchantId,
    wechatAppId: "wx0123456789abcdef",
    payNotifyUrl: "https://shop.example.com/pay",
    refundNotifyUrl: "https://shop.example.com/refund",
  };
}
