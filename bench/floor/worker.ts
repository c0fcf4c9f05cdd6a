import type { FloorEnv } from "./order.ts";
import { configure, settings, type FloorSettings } from "./settings.ts";
import { FIND_VIEW, INSERT_ORDER, INSERT_USER } from "./statements.ts";
import { callWechat, valueOf } from "./wechat.ts";

export { FloorOrder } from "./order.ts";

/**
 * The minimum that a gateway has to do: the same trips to D1, calls to WeChat and to the app, and hop
 * to the order's object. It checks no signature, validates, logs and caches nothing and arms no timer.
 */
export default {
  async fetch(request, env, context): Promise<Response> {
    const { pathname } = new URL(request.url);
    const body = await request.text();
    switch (pathname) {
      case "/health":
        return Response.json({ ok: true });
      case "/setup": {
        const newSettings: FloorSettings = JSON.parse(body);
        configure(newSettings);
        await insertOwners(env.DB, newSettings.apps);
        return Response.json({ ok: true });
      }
      case "/pay/create-order":
        return await createOrder(new URLSearchParams(body), env, context);
      case "/notify/v2/1/pay":
        await env.FLOOR_ORDER.getByName(valueOf(body, "out_trade_no")).recordPayment(
          valueOf(body, "transaction_id"),
          Number(valueOf(body, "total_fee")),
          valueOf(body, "attach"),
        );
        return new Response("<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>");
      case "/order": {
        const [row] = await find(new URLSearchParams(body), env);
        return answer({ pay_state: row?.[15] });
      }
      case "/refund/refund-money": {
        const parameters = new URLSearchParams(body);
        const [row] = await find(parameters, env);
        const object = env.FLOOR_ORDER.getByName(String(row?.[1]));
        const appId = Number(parameters.get("appId"));
        const [refundId, number] = await object.refund(Number(parameters.get("order_id")), appId);
        return answer({ refund_id: refundId, refund_no: number });
      }
      default:
        return new Response("no such path", { status: 404 });
    }
  },
} satisfies ExportedHandler<FloorEnv>;

/** Inserts the rows that orders refer to. */
async function insertOwners(db: D1Database, apps: number): Promise<void> {
  await db.batch([
    db.prepare(
      "insert into merchants (id, name, mch_id, protocol, created_at, updated_at) values (1, 'floor', '1', 'v2', 0, 0)",
    ),
    ...Array.from({ length: apps }, (_, index) =>
      db
        .prepare(
          `insert into apps (id, name, merchant_id, wechat_app_id, pay_notify_url, refund_notify_url, enabled,
            salt_sealed, webhook_secret_sealed, created_at, updated_at)
          values (?, 'floor', 1, '', '', '', 1, '', '', 0, 0)`,
        )
        .bind(index + 1),
    ),
  ]);
}

async function createOrder(
  parameters: URLSearchParams,
  env: FloorEnv,
  context: ExecutionContext,
): Promise<Response> {
  const number = crypto.randomUUID().replaceAll("-", "");
  const nowAt = Date.now();
  const [appId, openId] = [Number(parameters.get("appId")), parameters.get("openId") ?? ""];
  const [desc, tag] = [parameters.get("desc") ?? "", parameters.get("tag") ?? ""];
  const totalFen = Number(parameters.get("totalFree"));
  const notifyUrl = `${env.PUBLIC_URL}/notify/v2/1/pay`;
  const owner = [number, appId, 1, appId, openId, "v2", "HMAC-SHA256", settings().wechatAppId];
  const terms = [null, desc, totalFen, tag, parameters.get("attach"), "127.0.0.1", notifyUrl];
  const state = ["waiting", "none", 0, nowAt + 7_200_000, nowAt, nowAt];
  const [inserted, xml] = await Promise.all([
    env.DB.batch<{ id: number }>([
      env.DB.prepare(INSERT_USER).bind(appId, openId, nowAt),
      env.DB.prepare(INSERT_ORDER).bind(...owner, ...terms, ...state),
    ]),
    callWechat(env.WECHAT_PAY_URL, "/pay/unifiedorder", {
      body: desc,
      out_trade_no: number,
      total_fee: String(totalFen),
      spbill_create_ip: "127.0.0.1",
      notify_url: notifyUrl,
      trade_type: "JSAPI",
      openid: openId,
      goods_tag: tag,
      attach: parameters.get("attach") ?? "-",
    }),
  ]);
  context.waitUntil(env.FLOOR_ORDER.getByName(number).open());
  const orderId = inserted[1]?.results[0]?.id;
  const apiParams = JSON.stringify({ package: `prepay_id=${valueOf(xml, "prepay_id")}` });
  return answer({ orderNumber: number, orderId, apiParams, editAddress: null });
}

async function find(parameters: URLSearchParams, env: FloorEnv): Promise<unknown[][]> {
  return await env.DB.prepare(FIND_VIEW)
    .bind(Number(parameters.get("order_id")), Number(parameters.get("appId")))
    .raw();
}

function answer(data: object): Response {
  return Response.json({ code: 0, errmsg: null, data });
}
