/**
 * Everything the sandbox stores. Times are Unix ms, amounts are fen, JSON is text.
 * Numbers of orders and refunds are unique per merchant across both protocols, as at WeChat Pay.
 */
const TABLES = `
create table if not exists settings (name text primary key, value text not null);

create table if not exists merchants (
  mch_id text primary key, api_key text not null, app_ids text not null,
  api_v3_key text, verify_mode text not null, switch_percent real not null,
  certificate_stage text not null
);

create table if not exists merchant_keys (
  mch_id text not null, serial_no text not null, public_key text not null,
  primary key (mch_id, serial_no)
);

create table if not exists orders (
  mch_id text not null, out_trade_no text not null, app_id text not null,
  sign_type text not null, terms text not null, params text not null,
  total_fee integer not null, state text not null, transaction_id text not null unique,
  prepay_calls integer not null, created_at integer not null, expires_at integer,
  paid_at integer, primary key (mch_id, out_trade_no)
);

create table if not exists prepays (
  prepay_id text primary key, mch_id text not null, out_trade_no text not null,
  serial_no text, created_at integer not null
);

create table if not exists refunds (
  mch_id text not null, out_refund_no text not null, out_trade_no text not null,
  refund_id text not null unique, refund_fee integer not null, total_fee integer not null,
  protocol text not null, source text not null, notify_url text, account text not null,
  params text not null, status text not null, created_at integer not null, succeeded_at integer,
  calls integer not null, decide_at integer, decide_as text,
  primary key (mch_id, out_refund_no)
);

create table if not exists notifications (
  id integer primary key autoincrement, protocol text not null, kind text not null,
  mch_id text not null, out_trade_no text not null, out_refund_no text, url text not null,
  body text not null, tampering text, omitted_header text, state text not null, next_at integer
);

create table if not exists attempts (
  notification_id integer not null, at integer not null, status integer,
  ok integer not null, answer text not null
);

create table if not exists bills (
  id integer primary key autoincrement, token text not null unique, mch_id text not null,
  created_at integer not null, gzip integer not null, filler_count integer not null,
  filler_line text not null, summary text not null, file_fault text
);

create table if not exists bill_pieces (
  bill_id integer not null, piece integer not null, text text not null,
  primary key (bill_id, piece)
);

create table if not exists calls (
  id integer primary key autoincrement, at integer not null, path text not null,
  out_trade_no text, out_refund_no text, outcome text not null
);

create table if not exists probes (request text primary key);

create table if not exists faults (
  id integer primary key autoincrement, place text not null, target text,
  fault text not null, times_left integer not null, out_trade_no text, out_refund_no text,
  mch_id text, err_code text, err_code_des text, delay_ms integer, http_status integer, header text
);

-- Every transaction looks for what is due: this must stay fast with thousands of orders.
create index if not exists orders_by_number on orders (out_trade_no);
create index if not exists orders_unpaid on orders (created_at) where state = 'NOTPAY';
create index if not exists refunds_by_number on refunds (out_refund_no);
create index if not exists refunds_by_order on refunds (mch_id, out_trade_no);
create index if not exists refunds_undecided on refunds (decide_at) where decide_at is not null;
create index if not exists notifications_by_order on notifications (mch_id, out_trade_no);
create index if not exists notifications_waiting on notifications (next_at) where state = 'waiting';
create index if not exists attempts_by_notification on attempts (notification_id);
`;

const TABLE_NAMES = [...TABLES.matchAll(/create table if not exists (\w+)/g)].map(
  ([, name]) => name,
);

/**
 * Creates the tables that are missing. When the stored schema differs, all data is dropped: sandbox
 * data is disposable, and a partial migration would mislead.
 */
export function ensureTables(sql: SqlStorage): void {
  sql.exec("create table if not exists shape (tables text not null)");
  const [stored] = sql.exec<{ tables: string }>("select tables from shape");
  if (stored?.tables === TABLES) return;
  for (const name of TABLE_NAMES) sql.exec(`drop table if exists ${name}`);
  sql.exec(TABLES);
  sql.exec("delete from shape");
  sql.exec("insert into shape (tables) values (?)", TABLES);
}

/** Deletes all rows. */
export function clearTables(sql: SqlStorage): void {
  for (const name of TABLE_NAMES) sql.exec(`delete from ${name}`);
}
