import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { LATEST_WAITS } from "../../src/contract/callback/schedule.ts";

const MIGRATION = env.MIGRATIONS.findIndex(({ name }) => name.includes("next_call_at"));

/** Inserts an order with a refund, whose apps were called so often, as before the migration. */
function insertBefore(id: number, state: string, calls: number) {
  const number = id.toString(16).padStart(32, "0");
  return [
    env.DB.prepare(
      `insert into orders (id, number, app_id, merchant_id, user_id, protocol, sign_type,
         wechat_app_id, desc, total_fen, tag, client_ip, notify_url, pay_state, transaction_id,
         paid_at, pay_notify_state, pay_notify_number, expires_at, created_at, updated_at)
       values (?, ?, 1, 1, 1, 'v2', 'MD5', 'wx1', 'd', 100, 't', '203.0.113.7',
         'https://gateway.test/', 'paid', ?, 5, ?, ?, 2, 1, 1000)`,
    ).bind(id, number, `T${id}`, state, calls),
    env.DB.prepare(
      `insert into refunds (id, order_id, app_id, number, refund_fen, notify_url, state, refund_id,
         notify_state, notify_number, succeeded_at, created_at, updated_at)
       values (?, ?, 1, ?, 100, 'https://gateway.test/', 'succeeded', '5', ?, ?, 5, 1, 1000)`,
    ).bind(id, id, number, state, calls),
  ];
}

describe("migration 0007, next_call_at", () => {
  test("plans the calls of failing deliveries by the schedule, and no others", async () => {
    await reset();
    await applyD1Migrations(env.DB, env.MIGRATIONS.slice(0, MIGRATION));
    const failing = Array.from({ length: 17 }, (_, index) =>
      insertBefore(index + 1, "failing", index + 1),
    );
    await env.DB.batch([
      env.DB.prepare(
        "insert into merchants (id, name, mch_id, protocol, created_at, updated_at) values (1, 'm', '1', 'v2', 1, 1)",
      ),
      env.DB.prepare(
        `insert into apps (id, name, merchant_id, wechat_app_id, pay_notify_url, refund_notify_url, enabled,
           salt_sealed, webhook_secret_sealed, created_at, updated_at)
         values (1, 'a', 1, 'wx1', '', '', 1, '', '', 1, 1)`,
      ),
      env.DB.prepare("insert into users (id, app_id, open_id, created_at) values (1, 1, 'o', 1)"),
      ...failing.flat(),
      ...insertBefore(18, "none", 0),
      ...insertBefore(19, "confirmed", 3),
    ]);

    await applyD1Migrations(env.DB, env.MIGRATIONS);

    const planned = [...LATEST_WAITS.map((wait) => 1000 + wait), null, null, null, null];
    for (const table of ["orders", "refunds"]) {
      const { results } = await env.DB.prepare(
        `select next_call_at as nextCallAt from ${table} order by id`,
      ).all();
      expect(results.map((row) => row["nextCallAt"])).toEqual(planned);
    }
  });
});
