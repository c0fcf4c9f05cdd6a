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

export interface Asked {
  /** Sent as JSON; `raw` goes as it is. */
  readonly body?: unknown;
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
  readonly environment?: Config["environment"];
  /** Instead of the environment's. */
  readonly keys?: Pick<Config, "masterKey" | "previousMasterKey">;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: unknown;
}

/** Sends a request to the back-office as the gateway mounts it, by default with the right token. */
export async function ask(method: string, path: string, asked: Asked = {}): Promise<Answer> {
  const config = readConfig(env);
  if (!config.ok) throw new Error(config.error.join());
  const app = new Hono<GatewayEnv>();
  app.use(async (c, next) => {
    const environment = asked.environment ?? "development";
    const meter = newMeter(env, REQUEST_ID);
    c.set("requestId", REQUEST_ID);
    c.set("meter", meter);
    c.set("work", openWork(c.env, { ...config.value, environment, ...asked.keys }, meter));
    return await next();
  });
  app.route("/admin", adminRoutes);

  const body = asked.raw ?? (asked.body === undefined ? undefined : JSON.stringify(asked.body));
  const init: RequestInit = {
    method,
    headers: {
      authorization: `Bearer ${env.ADMIN_TOKEN}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...asked.headers,
    },
    ...(body === undefined ? {} : { body }),
  };
  // What an mTLS certificate's binding looks like.
  const bindings = { ...env, MERCHANT_CERT: { fetch: () => new Response() } };
  const response = await app.request(`https://gateway.test${path}`, init, bindings);
  const text = await response.text();
  const json: unknown = text === "" ? null : JSON.parse(text);
  return { status: response.status, headers: response.headers, text, json };
}

/** The next query fails as it does when D1 is down. */
export function breakD1Once(): void {
  vi.spyOn(env.DB, "prepare").mockImplementationOnce(() => {
    throw new Error("D1_ERROR: D1 is down");
  });
}

const refusal = z.object({
  error: z.object({ fields: z.array(z.object({ path: z.string(), message: z.string() })) }),
});
const list = z.object({
  items: z.array(z.object({ id: z.number() })),
  nextCursor: z.number().nullable(),
});

/** The fields at fault that an answer names, by path. */
export function faults(answer: Answer): Record<string, string> {
  const { fields } = refusal.parse(answer.json).error;
  return Object.fromEntries(fields.map((field) => [field.path, field.message]));
}

/** One page of a list: the ids in it, and where the next one begins. */
export function pageIn(answer: Answer): { ids: number[]; nextCursor: number | null } {
  const { items, nextCursor } = list.parse(answer.json);
  return { ids: items.map((item) => item.id), nextCursor };
}

/** All fields of an answer. */
export function fieldsOf(answer: Answer): Record<string, unknown> {
  return z.record(z.string(), z.unknown()).parse(answer.json);
}

/** A field of an answer that must be a string or a number, as a string. */
export function fieldOf(answer: Answer, name: string): string {
  return String(z.union([z.string(), z.number()]).parse(fieldsOf(answer)[name]));
}

let lastMchId = 1_900_000_000;

/** A valid registration of a merchant, each time another one. */
export function merchantBody(): Record<string, unknown> {
  lastMchId++;
  return { name: "Shop", mchId: String(lastMchId), protocol: "v2", apiKey: API_KEY };
}

/** Registers a merchant and gives its id. */
export async function newMerchant(): Promise<number> {
  const answer = await ask("POST", "/admin/merchants", { body: merchantBody() });
  return Number(fieldOf(answer, "id"));
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
