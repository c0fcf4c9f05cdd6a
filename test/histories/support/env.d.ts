import type { D1Migration } from "cloudflare:test";
import type * as worker from "./worker.ts";
import type { Ledger } from "../../../sandbox/src/ledger.ts";
import type { OrderObject } from "../../../src/orders/order-object.ts";
import type { QueryLimitObject } from "../../../src/orders/query-limit-object.ts";
import type { ReconciliationObject } from "../../../src/reconciliation/reconciliation-object.ts";

/** The bindings of the gateway, the sandbox and the histories (test/histories/wrangler.toml). */
interface Bindings {
  readonly DB: D1Database;
  readonly ORDER_OBJECT: DurableObjectNamespace<OrderObject>;
  readonly RECONCILIATION_OBJECT: DurableObjectNamespace<ReconciliationObject>;
  readonly QUERY_LIMIT_OBJECT: DurableObjectNamespace<QueryLimitObject>;
  readonly LEDGER: DurableObjectNamespace<Ledger>;
  readonly METRICS: AnalyticsEngineDataset;
  readonly APP_LIMIT: RateLimit;
  readonly REFUND_NOTIFICATION_LIMIT: RateLimit;
  readonly PAYMENT_NOTIFICATION_LIMIT: RateLimit;
  readonly UNVERIFIED_LIMIT: RateLimit;
  readonly ADMIN_LIMIT: RateLimit;
  readonly ENVIRONMENT: string;
  readonly PUBLIC_URL: string;
  readonly WECHAT_PAY_URL: string;
  readonly ORDER_TTL_SECONDS: string;
  readonly DEMO_API_KEY: string;
  readonly ADMIN_TOKEN: string;
  readonly MASTER_KEY: string;
  readonly MIGRATIONS: D1Migration[];
  /** Read by test/support/, which these tests share with others. */
  readonly TEST_PROTOCOL?: "v2" | "v3";
  /** The number of histories, their seed, and the fast-check path of one history to replay. */
  readonly HISTORIES: string;
  readonly HISTORIES_SEED: string;
  readonly HISTORIES_PATH: string;
}

declare global {
  interface Env extends Bindings {}
  namespace Cloudflare {
    interface Env extends Bindings {}
    interface GlobalProps {
      mainModule: typeof worker;
      durableNamespaces: "OrderObject" | "ReconciliationObject" | "QueryLimitObject" | "Ledger";
    }
  }
}
