import type { D1Migration } from "cloudflare:test";
import type * as both from "./both.ts";
import type { Ledger } from "../../../sandbox/src/ledger.ts";
import type { OrderObject } from "../../../src/orders/order-object.ts";
import type { ReconciliationObject } from "../../../src/reconciliation/reconciliation-object.ts";

/** What both Workers and the histories find in their one environment (test/histories/wrangler.toml). */
interface Bindings {
  readonly DB: D1Database;
  readonly ORDER_OBJECT: DurableObjectNamespace<OrderObject>;
  readonly RECONCILIATION_OBJECT: DurableObjectNamespace<ReconciliationObject>;
  readonly LEDGER: DurableObjectNamespace<Ledger>;
  readonly METRICS: AnalyticsEngineDataset;
  readonly APP_LIMIT: RateLimit;
  readonly REFUND_NOTIFICATION_LIMIT: RateLimit;
  readonly UNVERIFIED_LIMIT: RateLimit;
  readonly ENVIRONMENT: string;
  readonly PUBLIC_URL: string;
  readonly WECHAT_PAY_URL: string;
  readonly ORDER_TTL_SECONDS: string;
  readonly DEMO_API_KEY: string;
  readonly ADMIN_TOKEN: string;
  readonly MASTER_KEY: string;
  readonly MIGRATIONS: D1Migration[];
  /** Of other tests, whose support these share. */
  readonly TEST_PROTOCOL?: "v2" | "v3";
  /** How many histories, from which seed, and the path of one of them to replay. */
  readonly HISTORIES: string;
  readonly HISTORIES_SEED: string;
  readonly HISTORIES_PATH: string;
}

declare global {
  interface Env extends Bindings {}
  namespace Cloudflare {
    interface Env extends Bindings {}
    interface GlobalProps {
      mainModule: typeof both;
      durableNamespaces: "OrderObject" | "ReconciliationObject" | "Ledger";
    }
  }
}
