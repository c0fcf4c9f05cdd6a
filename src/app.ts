import { Hono, type Context } from "hono";
import { adminRoutes } from "./admin/index.ts";
import { failure } from "./contract/envelope.ts";
import { err, type Result } from "./lib/result.ts";
import { badRequest, METHOD_REFUSED, type Refusal } from "./contract/refusal.ts";
import type { GatewayEnv } from "./env.ts";
import { PAY_NOTIFY_PATHS, REFUND_NOTIFY_PATHS } from "./wechat/notify-paths.ts";
import { respond } from "./middleware/respond.ts";
import { createOrder } from "./api/create-order.ts";
import { health } from "./health.ts";
import { payNotificationV2, refundNotificationV2 } from "./notifications/routes-v2.ts";
import { payNotificationV3, refundNotificationV3 } from "./notifications/routes-v3.ts";
import { order } from "./api/order.ts";
import { refundMoney } from "./api/refund-money.ts";
import { requireConfig } from "./middleware/context.ts";
import { requestLog } from "./middleware/request-log.ts";
import { respondToError } from "./middleware/unexpected.ts";

/** The three endpoints that apps know (README, "The API"). */
const CONTRACT: Readonly<
  Record<string, (c: Context<GatewayEnv>) => Promise<Result<object, Refusal>>>
> = {
  "/pay/create-order": createOrder,
  "/refund/refund-money": refundMoney,
  "/order": order,
};

/** Every route of the gateway. */
export const app = new Hono<GatewayEnv>({ strict: false });

app.use(requestLog, requireConfig);

for (const [path, endpoint] of Object.entries(CONTRACT)) {
  app.post(path, async (c) => respond(c, await endpoint(c)));
  app.all(path, (c) => respond(c, err(METHOD_REFUSED)));
}
app.post(PAY_NOTIFY_PATHS.v2, payNotificationV2);
app.post(REFUND_NOTIFY_PATHS.v2, refundNotificationV2);
app.post(PAY_NOTIFY_PATHS.v3, payNotificationV3);
app.post(REFUND_NOTIFY_PATHS.v3, refundNotificationV3);
app.get("/health", health);
app.route("/admin", adminRoutes);

app.notFound((c) =>
  c.json(failure(badRequest(`没有这个接口：${c.req.method} ${c.req.path.slice(0, 100)}`)), 404),
);
app.onError(respondToError);
