import { app } from "./app.ts";
import { scheduled } from "./scheduled.ts";

export { OrderObject } from "./orders/order-object.ts";
export { QueryLimitObject } from "./orders/query-limit-object.ts";
export { ReconciliationObject } from "./reconciliation/reconciliation-object.ts";

export default { fetch: app.fetch, scheduled } satisfies ExportedHandler<Env>;
