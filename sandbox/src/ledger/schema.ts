/**
 * Everything the sandbox remembers. Times are Unix ms, amounts are fen, JSON is text.
 * Numbers of orders and refunds are unique within a merchant, as at WeChat Pay, whichever protocol
 * made them.
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
  body text not null, treatment text, left_out text, state text not null, next_at integer
);

create table if not exists attempts (
  notification_id integer not null, at integer not null, status integer,
  ok integer not null, answer text not null
);

create table if not exists bills (
  id integer primary key autoincrement, token text not null unique, mch_id text not null,
  made_at integer not null, gzip integer not null, filler_count integer not null,
  filler_line text not null, summary text not null, damage text
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

-- Every turn asks for what is overdue and what comes next; thousands of orders must not slow it.
create index if not exists orders_by_number on orders (out_trade_no);
create index if not exists orders_unpaid on orders (created_at) where state = 'NOTPAY';
create index if not exists refunds_by_number on refunds (out_refund_no);
create index if not exists refunds_by_order on refunds (mch_id, out_trade_no);
create index if not exists refunds_undecided on refunds (decide_at) where decide_at is not null;
create index if not exists notifications_by_order on notifications (mch_id, out_trade_no);
create index if not exists notifications_waiting on notifications (next_at) where state = 'waiting';
create index if not exists attempts_by_notification on attempts (notification_id);
`;

const NAMES = [...TABLES.matchAll(/create table if not exists (\w+)/g)].map(([, name]) => name);

/**
 * Makes the tables that are not there yet. What a sandbox stored in tables of another shape is
 * forgotten: nobody keeps books in a sandbox, and a half understood past would mislead.
 */
export function openTables(sql: SqlStorage): void {
  sql.exec("create table if not exists shape (tables text not null)");
  const [stored] = sql.exec<{ tables: string }>("select tables from shape");
  if (stored?.tables === TABLES) return;
  for (const name of NAMES) sql.exec(`drop table if exists ${name}`);
  sql.exec(TABLES);
  sql.exec("delete from shape");
  sql.exec("insert into shape (tables) values (?)", TABLES);
}

/** Forgets everything. */
export function emptyTables(sql: SqlStorage): void {
  for (const name of NAMES) sql.exec(`delete from ${name}`);
}
