import { Hono, type Context } from "hono";
import { adminRoutes } from "./admin/index.ts";
import { failure } from "./core/contract/envelope.ts";
import { err, type Result } from "./core/result.ts";
import { badRequest, METHOD_REFUSED, type Refusal } from "./errors.ts";
import type { GatewayEnv } from "./hono-env.ts";
import { PAY_NOTIFY_PATHS, REFUND_NOTIFY_PATHS } from "./notify-paths.ts";
import { answer } from "./routes/answer.ts";
import { createOrder } from "./routes/create-order.ts";
import { health } from "./routes/health.ts";
import { payNotificationV2, refundNotificationV2 } from "./routes/notifications-v2.ts";
import { payNotificationV3, refundNotificationV3 } from "./routes/notifications-v3.ts";
import { order } from "./routes/order.ts";
import { refundMoney } from "./routes/refund-money.ts";
import { requireConfig } from "./routes/require-config.ts";
import { traceRequest } from "./routes/trace-request.ts";
import { unexpected } from "./routes/unexpected.ts";

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

app.use(traceRequest, requireConfig);

for (const [path, endpoint] of Object.entries(CONTRACT)) {
  app.post(path, async (c) => answer(c, await endpoint(c)));
  app.all(path, (c) => answer(c, err(METHOD_REFUSED)));
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
app.onError(unexpected);
