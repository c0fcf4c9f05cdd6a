import { Buffer } from "node:buffer";
import * as z from "zod";
import { err, ok, type Result } from "./lib/result.ts";
import { weaknessOfKey, weaknessOfToken } from "./lib/weak-secret.ts";

const ENVIRONMENTS = ["development", "qa", "production"] as const;

/** WeChat Pay's second region: same paths, same keys (W-95). */
const SPARE_URLS: Readonly<Record<string, string>> = {
  "https://api.mch.weixin.qq.com": "https://api2.mch.weixin.qq.com",
};

/** WeChat refuses to close an order younger than this (W-34), so a shorter time is raised to it. */
const MIN_TTL_SECONDS = 300;
/** WeChat closes unpaid orders by itself after seven days (W-33). */
const MAX_TTL_SECONDS = 7 * 24 * 3600;

/** The parsed environment, passed on as a whole: no other code reads the strings of `env`. */
export interface Config {
  readonly environment: (typeof ENVIRONMENTS)[number];
  /** Where WeChat reaches this gateway; no trailing slash. */
  readonly publicUrl: string;
  /** No trailing slash. */
  readonly wechatPayUrl: string;
  /** Tried once when no connection to `wechatPayUrl` can be made; no trailing slash. Null: none. */
  readonly wechatPaySpareUrl: string | null;
  /** How long an order can be paid before the gateway closes it, in ms. */
  readonly orderTtlMs: number;
  readonly adminToken: string;
  /** Base64 of 32 bytes. */
  readonly masterKey: string;
  /** The other key while the master key is being changed: it decrypts the secrets sealed under it. */
  readonly previousMasterKey: string | null;
}

const baseUrl = z
  .url({ protocol: /^https?$/, error: "must be an absolute http(s) URL" })
  .refine((value) => !value.includes("?") && !value.includes("#"), {
    error: "must have no query string and no fragment",
  })
  .transform((value) => value.replace(/\/+$/, ""));

/** Canonical: one spelling per key, so that a key is known by its text too. */
const masterKey = z
  .string({ error: "is missing" })
  .regex(/^[A-Za-z0-9+/]{43}=$/, { error: "must be the base64 of 32 bytes", abort: true })
  .refine((text) => Buffer.from(text, "base64").toString("base64") === text, {
    error: "must be canonical base64: decode it and encode it again, the key stays the same",
  });

const environment = z.object({
  ENVIRONMENT: z.enum(ENVIRONMENTS, {
    error: "must be development, qa or production",
  }),
  PUBLIC_URL: baseUrl,
  WECHAT_PAY_URL: baseUrl.default("https://api.mch.weixin.qq.com"),
  /** Empty: none. Absent: WeChat's, with WeChat's own URL. */
  WECHAT_PAY_SPARE_URL: z
    .union([z.literal(""), baseUrl], {
      error:
        "must be an absolute http(s) URL with no query string and no fragment, or empty for none",
    })
    .optional(),
  ORDER_TTL_SECONDS: z
    .string()
    .regex(/^\d{1,7}$/, { error: "must be a whole number of seconds" })
    .transform(Number)
    .refine((seconds) => seconds <= MAX_TTL_SECONDS, {
      error: `must be at most ${MAX_TTL_SECONDS}`,
    })
    .default(7200),
  ADMIN_TOKEN: z.string({ error: "is missing" }).min(1, { error: "is empty" }),
  MASTER_KEY: masterKey,
  MASTER_KEY_PREVIOUS: masterKey.optional(),
});

/** Parsed environments. An environment doesn't change within an isolate. */
const cache = new WeakMap<object, Result<Config, readonly string[]>>();

/** `readConfig`, cached by environment. */
export function configOf(env: object): Result<Config, readonly string[]> {
  let config = cache.get(env);
  if (config === undefined) {
    config = readConfig(env);
    cache.set(env, config);
  }
  return config;
}

/**
 * Reads the environment's variables and secrets.
 * On failure: one sentence per fault, with the variable's name but never its value.
 */
export function readConfig(env: object): Result<Config, readonly string[]> {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    return err(parsed.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`));
  }
  const values = parsed.data;
  if (values.MASTER_KEY_PREVIOUS === values.MASTER_KEY) {
    return err(["MASTER_KEY_PREVIOUS must differ from MASTER_KEY"]);
  }
  if (values.ENVIRONMENT !== "development") {
    const faults = productionFaults(values);
    if (faults.length > 0) return err(faults);
  }
  return ok({
    environment: values.ENVIRONMENT,
    publicUrl: values.PUBLIC_URL,
    wechatPayUrl: values.WECHAT_PAY_URL,
    wechatPaySpareUrl: spareUrlOf(values),
    orderTtlMs: Math.max(values.ORDER_TTL_SECONDS, MIN_TTL_SECONDS) * 1000,
    adminToken: values.ADMIN_TOKEN,
    masterKey: values.MASTER_KEY,
    previousMasterKey: values.MASTER_KEY_PREVIOUS ?? null,
  });
}

function spareUrlOf({
  WECHAT_PAY_URL: url,
  WECHAT_PAY_SPARE_URL: entered,
}: z.infer<typeof environment>): string | null {
  const spareUrl = entered ?? SPARE_URLS[url] ?? "";
  return spareUrl === "" ? null : spareUrl;
}

function productionFaults(values: z.infer<typeof environment>): string[] {
  const faults: string[] = [];
  const weakToken = weaknessOfToken(values.ADMIN_TOKEN);
  if (weakToken !== null) faults.push(`ADMIN_TOKEN ${weakToken}`);
  for (const name of ["MASTER_KEY", "MASTER_KEY_PREVIOUS"] as const) {
    const key = values[name];
    const weakKey = key === undefined ? null : weaknessOfKey(Buffer.from(key, "base64"));
    if (weakKey !== null) faults.push(`${name} ${weakKey}`);
  }
  for (const name of ["PUBLIC_URL", "WECHAT_PAY_URL", "WECHAT_PAY_SPARE_URL"] as const) {
    if (/^http:/i.test(values[name] ?? "")) faults.push(`${name} must be https`);
  }
  return faults;
}
