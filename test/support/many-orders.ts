import { env } from "cloudflare:workers";
import type { Shop } from "./shop.ts";

/** Orders as many as in production, written by one statement. */
export interface ManyOrders {
  readonly count: number;
  /** Of the first order; each next one is created `everyMs` later. Unix ms. */
  readonly createdAt: number;
  readonly everyMs: number;
  /** SQL over `n`, the order's place from 1 on. */
  readonly payState?: string;
  readonly payNotifyState?: string;
  readonly appOrderNo?: string;
}

/** Stores orders of the shop; one that is paid was paid a minute after it was created. */
export async function storeManyOrders(shop: Shop, many: ManyOrders): Promise<void> {
  const { count, createdAt, everyMs } = many;
  const { payState = "'waiting'", payNotifyState = "'none'", appOrderNo = "null" } = many;
  await env.DB.batch([
    env.DB.prepare("insert into users (app_id, open_id, created_at) values (?, ?, ?)").bind(
      shop.appId,
      `payer of many orders ${createdAt}`,
      createdAt,
    ),
    env.DB.prepare(
      `insert into orders (number, app_id, merchant_id, user_id, protocol, sign_type, wechat_app_id,
           app_order_no, desc, total_fen, tag, client_ip, notify_url, pay_state, transaction_id, paid_at,
           pay_notify_state, pay_notify_number, expires_at, created_at, updated_at)
         with recursive places(n) as (select 1 union all select n + 1 from places where n < ?1),
           made as (select n, ?2 + (n - 1) * ?3 as at, ${payState} as pay_state from places)
         select lower(hex(randomblob(16))), ?4, ?5, (select max(id) from users), 'v2', 'MD5', ?6,
           ${appOrderNo}, '测试商品', 100, 'test', '203.0.113.7', 'https://gateway.test/notify', pay_state,
           case pay_state when 'paid' then 'many' || at || '-' || n end,
           case pay_state when 'paid' then at + 60000 end,
           ${payNotifyState}, 0, at + 7200000, at, at from made`,
    ).bind(count, createdAt, everyMs, shop.appId, shop.merchantId, shop.wechatAppId),
  ]);
}

/**
 * Counts the rows that D1 reads for each trip while `work` runs. Every call to D1 ends in one method,
 * whose answer has SQLite's counts.
 */
export async function rowsReadBy(work: () => Promise<unknown>): Promise<number[]> {
  const counts: number[] = [];
  const session: object = Object.getPrototypeOf(env.DB.withSession("first-unconstrained"));
  const send: unknown = Reflect.get(session, "_send");
  if (typeof send !== "function") throw new Error("D1 has no _send: the platform has changed");
  Reflect.set(session, "_send", async function (this: unknown, ...parameters: unknown[]) {
    const answer: D1Result | D1Result[] = await Reflect.apply(send, this, parameters);
    const results = Array.isArray(answer) ? answer : [answer];
    counts.push(results.reduce((sum, { meta }) => sum + (meta?.rows_read ?? 0), 0));
    return answer;
  });
  try {
    await work();
  } finally {
    Reflect.set(session, "_send", send);
  }
  return counts;
}
