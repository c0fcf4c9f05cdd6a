import { env } from "cloudflare:workers";

/** The bindings with these limits instead of wrangler.toml's; `keys` collects the keys counted. */
export function bindingsWithLimits(limits: {
  readonly app?: number;
  readonly paymentNotification?: number;
  readonly refundNotification?: number;
  readonly unverified?: number;
  readonly admin?: number;
}): { readonly bindings: Env; readonly keys: string[] } {
  const keys: string[] = [];
  const limiter = (max = Number.POSITIVE_INFINITY): RateLimit => {
    const counts = new Map<string, number>();
    return {
      limit: async ({ key }) => {
        keys.push(key);
        const count = (counts.get(key) ?? 0) + 1;
        counts.set(key, count);
        return { success: count <= max };
      },
    };
  };
  const bindings = {
    ...env,
    APP_LIMIT: limiter(limits.app),
    PAYMENT_NOTIFICATION_LIMIT: limiter(limits.paymentNotification),
    REFUND_NOTIFICATION_LIMIT: limiter(limits.refundNotification),
    UNVERIFIED_LIMIT: limiter(limits.unverified),
    ADMIN_LIMIT: limiter(limits.admin),
  };
  return { bindings, keys };
}
