import { DurableObject } from "cloudflare:workers";
import { MERCHANT_QUERY_LIMIT } from "../domain/query-limit.ts";
import { QueryCounter } from "./query-counter.ts";

/**
 * One merchant, named by its id: limits the queries to WeChat that refund notifications cause, over
 * all of the merchant's orders. An object rather than a rate limit binding, because a binding counts
 * in each location by itself and only roughly. It is called only for queries that their order's own
 * limit has let through.
 */
export class QueryLimitObject extends DurableObject<Env> {
  readonly #queries: QueryCounter;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#queries = new QueryCounter(ctx.storage, MERCHANT_QUERY_LIMIT);
  }

  /** Counts a query before it is made. False: it is over the limit and isn't counted. */
  take(share: string | null): boolean {
    return this.#queries.take(share, Date.now());
  }
}
