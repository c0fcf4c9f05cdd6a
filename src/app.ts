import { Hono, type Context } from "hono";
import { adminRoutes } from "./admin/index.ts";
import { closeOrder } from "./api/close-order.ts";
import { createOrder } from "./api/create-order.ts";
import { order } from "./api/order.ts";
import { refundMoney } from "./api/refund-money.ts";
import { badRequest, METHOD_REFUSED, type Refusal } from "./contract/refusal.ts";
import type { GatewayEnv } from "./env.ts";
import { health } from "./health.ts";
import { err, type Result } from "./lib/result.ts";
import { openWorkContext } from "./middleware/context.ts";
import { refusePlainHttp, strictTransport } from "./middleware/https.ts";
import { requestLog } from "./middleware/request-log.ts";
import { respond, respondToError, respondWithStatus } from "./middleware/respond.ts";
import { handleNotification } from "./notifications/handle.ts";
import { notifyPath } from "./wechat/notify-paths.ts";
import { PROTOCOLS } from "./wechat/types.ts";

/** The endpoints for apps (docs/integrate.md). */
const CONTRACT: Readonly<
  Record<string, (c: Context<GatewayEnv>) => Promise<Result<object, Refusal>>>
> = {
  "/pay/create-order": createOrder,
  "/pay/close-order": closeOrder,
  "/refund/refund-money": refundMoney,
  "/order": order,
};

/** Every route of the gateway. */
export const app = new Hono<GatewayEnv>({ strict: false });

app.use(strictTransport, requestLog, openWorkContext, refusePlainHttp(Object.keys(CONTRACT)));

for (const [path, endpoint] of Object.entries(CONTRACT)) {
  app.post(path, async (c) => respond(c, await endpoint(c)));
  app.all(path, (c) => respond(c, err(METHOD_REFUSED)));
}
for (const protocol of PROTOCOLS) {
  app.post(notifyPath(protocol, "payment"), handleNotification(protocol, "payment"));
  app.post(notifyPath(protocol, "refund"), handleNotification(protocol, "refund"));
}
app.get("/health", health);
app.route("/admin", adminRoutes);

app.notFound((c) =>
  respondWithStatus(
    c,
    badRequest(`没有这个接口：${c.req.method} ${c.req.path.slice(0, 100)}`, "no-such-path"),
    404,
  ),
);
app.onError(respondToError);
