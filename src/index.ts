import { app } from "./app.ts";
import { scheduled } from "./scheduled.ts";

export { OrderObject } from "./order-object.ts";
export { ReconciliationObject } from "./reconciliation-object.ts";

export default { fetch: app.fetch, scheduled } satisfies ExportedHandler<Env>;
