/** The statements that the gateway sends to D1 (src/db), unchanged. */

const ORDER = `"id", "number", "app_id", "merchant_id", "user_id", "protocol", "sign_type", "wechat_app_id", "app_order_no", "desc", "total_fen", "tag", "attach", "client_ip", "notify_url", "pay_state", "transaction_id", "paid_at", "pay_notify_state", "pay_notify_number", "expires_at", "created_at", "updated_at", "transaction_duplicate_of", "next_call_at"`;
const REFUND = `"id", "order_id", "app_id", "number", "app_refund_no", "refund_fen", "notify_url", "state", "refund_id", "notify_state", "notify_number", "succeeded_at", "created_at", "updated_at", "source", "accepted_at", "next_call_at"`;

export const INSERT_USER = `insert into "users" ("id", "app_id", "open_id", "created_at") values (null, ?, ?, ?) on conflict do nothing`;

export const INSERT_ORDER = `insert into "orders" (${ORDER}) values (null, ?, ?, ?, (select id from users where app_id = ? and open_id = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, null, ?, ?, ?, ?, ?, null, null) returning "id"`;

export const MARK_ORDER_PAID = `update "orders" set "pay_state" = ?, "transaction_id" = ?, "paid_at" = ?, "updated_at" = ? where ("orders"."number" = ? and "orders"."merchant_id" = ? and "orders"."wechat_app_id" = ? and "orders"."sign_type" = ? and "orders"."total_fen" = ? and coalesce("orders"."attach", '') = ? and not exists (select 1 from orders o where o.merchant_id = ? and o.transaction_id = ? and o.transaction_duplicate_of is null) and "orders"."pay_state" in (?, ?)) returning ${ORDER}`;

export const FIND_ORDER = `select ${ORDER} from "orders" where "orders"."number" = ?`;

export const RECORD_DELIVERY = `update "orders" set "pay_notify_state" = ?, "pay_notify_number" = max("orders"."pay_notify_number", ?), "updated_at" = ?, "next_call_at" = ? where "orders"."number" = ?`;

export const FIND_VIEW = `select ${of("orders", ORDER)}, ${of("refunds", REFUND)}, (select coalesce(sum(r.refund_fen), 0) from refunds r where r.order_id = "orders"."id" and r.state not in ('refused', 'closed')) from "orders" left join "refunds" on "refunds"."id" = (select max(r.id) from refunds r where r.order_id = "orders"."id") where ("orders"."id" = ? and "orders"."app_id" = ?)`;

export const FIND_REFUNDS = `select ${REFUND} from "refunds" where "refunds"."order_id" = (select id from orders where number = ?) order by "refunds"."id" asc`;

export const INSERT_REFUND = `insert into "refunds" (${REFUND}) select null as "id", "id", "app_id", ? as "number", ? as "app_refund_no", ? as "refund_fen", ? as "notify_url", 'requested' as "state", null as "refund_id", 'none' as "notify_state", 0 as "notify_number", null as "succeeded_at", ? as "created_at", ? as "updated_at", 'app' as "source", null as "accepted_at", null as "next_call_at" from "orders" where ("orders"."id" = ? and "orders"."app_id" = ? and "orders"."pay_state" = ? and "orders"."total_fen" >= ? + (select coalesce(sum(r.refund_fen), 0) from refunds r where r.order_id = "orders"."id" and r.state <> 'closed')) on conflict do nothing returning ${REFUND}`;

export const MARK_REFUND_ACCEPTED = `update "refunds" set "state" = case when "refunds"."state" in ('requested', 'refused') then 'accepted' else "refunds"."state" end, "refund_id" = coalesce(?, "refunds"."refund_id"), "updated_at" = case when "refunds"."state" in ('requested', 'refused') then ? else "refunds"."updated_at" end, "accepted_at" = coalesce(?, "refunds"."accepted_at") where "refunds"."number" = ? returning ${REFUND}`;

function of(table: string, columns: string): string {
  return columns
    .split(", ")
    .map((column) => `"${table}".${column}`)
    .join(", ");
}
