import { env } from "cloudflare:workers";

/** The bindings with these limits instead of wrangler.toml's; the keys that were counted. */
export function limited(limits: {
  readonly app?: number;
  readonly hint?: number;
  readonly unverified?: number;
}): { readonly bindings: Env; readonly keys: string[] } {
  const keys: string[] = [];
  const limiter = (most = Number.POSITIVE_INFINITY): RateLimit => {
    const counts = new Map<string, number>();
    return {
      limit: async ({ key }) => {
        keys.push(key);
        const counted = (counts.get(key) ?? 0) + 1;
        counts.set(key, counted);
        return { success: counted <= most };
      },
    };
  };
  const bindings = {
    ...env,
    APP_LIMIT: limiter(limits.app),
    REFUND_NOTIFICATION_LIMIT: limiter(limits.hint),
    UNVERIFIED_LIMIT: limiter(limits.unverified),
  };
  return { bindings, keys };
}
