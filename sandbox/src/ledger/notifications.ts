import {
  tamperingOf,
  type NotificationKind,
  type SignatureHeader,
  type Tampering,
} from "./fault-names.ts";
import type { Protocol } from "./protocol.ts";
import { readSettings } from "./settings.ts";
import type { LedgerTransaction } from "./transaction.ts";

/** One attempt to deliver a notification. `status` is null when there was no HTTP response. */
export interface Attempt {
  readonly at: number;
  readonly status: number | null;
  readonly ok: boolean;
  /** The start of the response body, or why there was no response. */
  readonly answer: string;
}

/** The states of a notification: to be attempted again, or final. */
export type NotificationState = "waiting" | "acknowledged" | "given-up";

/** A notification and its attempts. */
export interface Notification {
  readonly id: number;
  readonly protocol: Protocol;
  readonly kind: NotificationKind;
  readonly mchId: string;
  readonly outTradeNo: string;
  readonly outRefundNo: string | null;
  readonly url: string;
  readonly body: string;
  /** How its signature is tampered with, in APIv3. A probe is sent once. */
  readonly tampering: Tampering | null;
  readonly state: NotificationState;
  readonly nextAt: number | null;
  readonly attempts: readonly Attempt[];
}

/** A notification to be stored. It is never sent when `nextAt` is null. */
export type NotificationDraft = Omit<Notification, "id" | "state" | "attempts">;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * The wait after each failed attempt; after the last one WeChat gives up.
 * See W-51.
 */
export const RETRY_WAITS_MS: readonly number[] = [
  15 * SECOND,
  15 * SECOND,
  30 * SECOND,
  3 * MINUTE,
  10 * MINUTE,
  20 * MINUTE,
  30 * MINUTE,
  30 * MINUTE,
  30 * MINUTE,
  60 * MINUTE,
  3 * HOUR,
  3 * HOUR,
  3 * HOUR,
  6 * HOUR,
  6 * HOUR,
];

// Well above the timeout of an attempt.
const CLAIM_MS = 10 * SECOND;

type Row = {
  id: number;
  protocol: Protocol;
  kind: NotificationKind;
  mch_id: string;
  out_trade_no: string;
  out_refund_no: string | null;
  url: string;
  body: string;
  tampering: Tampering["kind"] | null;
  omitted_header: SignatureHeader | null;
  state: NotificationState;
  next_at: number | null;
};
type AttemptRow = {
  notification_id: number;
  at: number;
  status: number | null;
  ok: number;
  answer: string;
};

/** Schedules a notification. */
export function insertNotification(sql: SqlStorage, draft: NotificationDraft): void {
  sql.exec(
    `insert into notifications (protocol, kind, mch_id, out_trade_no, out_refund_no, url, body,
       tampering, omitted_header, state, next_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    draft.protocol,
    draft.kind,
    draft.mchId,
    draft.outTradeNo,
    draft.outRefundNo,
    draft.url,
    draft.body,
    draft.tampering?.kind ?? null,
    draft.tampering?.kind === "missing-header" ? draft.tampering.header : null,
    draft.nextAt === null ? "given-up" : "waiting",
    draft.nextAt,
  );
}

/** All notifications, newest first, with their attempts in order. */
export function listNotifications(sql: SqlStorage): Notification[] {
  return withAttempts(sql, [...sql.exec<Row>("select * from notifications order by id desc")]);
}

/** An order's notifications, newest first, with their attempts in order. */
export function notificationsOf(
  sql: SqlStorage,
  { mchId, outTradeNo }: { readonly mchId: string; readonly outTradeNo: string },
): Notification[] {
  return withAttempts(sql, [
    ...sql.exec<Row>(
      "select * from notifications where mch_id = ? and out_trade_no = ? order by id desc",
      mchId,
      outTradeNo,
    ),
  ]);
}

/**
 * Claims the notifications whose next attempt is due, so that no other sender takes them. The claim
 * expires, so that a notification is sent again when its sender is lost.
 */
export function claimDue({ sql, now }: LedgerTransaction): Notification[] {
  const due = withAttempts(sql, [
    ...sql.exec<Row>(
      "select * from notifications where state = 'waiting' and next_at <= ? order by next_at, id",
      now,
    ),
  ]);
  for (const { id } of due) {
    sql.exec("update notifications set next_at = ? where id = ?", now + CLAIM_MS, id);
  }
  return due;
}

/** When the next notification or refund outcome is due; null when nothing is. */
export function nextAlarmAt(sql: SqlStorage): number | null {
  return sql
    .exec<{ at: number | null }>(
      `select min(at) as at from (
         select next_at as at from notifications where state = 'waiting'
         union all select decide_at from refunds where decide_at is not null)`,
    )
    .one().at;
}

/**
 * Records an attempt and the state that follows: acknowledged, waiting for the next attempt, or given
 * up. Does nothing when the sandbox was reset during the attempt.
 */
export function recordAttempt(
  { sql, now }: LedgerTransaction,
  notification: Notification,
  attempt: Attempt,
): void {
  const known = sql.exec("select 1 from notifications where id = ?", notification.id).toArray();
  if (known.length === 0) return;
  sql.exec(
    "insert into attempts (notification_id, at, status, ok, answer) values (?, ?, ?, ?, ?)",
    notification.id,
    attempt.at,
    attempt.status,
    attempt.ok ? 1 : 0,
    attempt.answer,
  );
  const probe = notification.tampering?.kind === "probe";
  const wait = probe ? null : (RETRY_WAITS_MS[notification.attempts.length] ?? null);
  const nextAt =
    attempt.ok || wait === null ? null : now + Math.round(wait * readSettings(sql).notifyScale);
  const state = attempt.ok ? "acknowledged" : nextAt === null ? "given-up" : "waiting";
  sql.exec(
    "update notifications set state = ?, next_at = ? where id = ?",
    state,
    nextAt,
    notification.id,
  );
}

function withAttempts(sql: SqlStorage, rows: readonly Row[]): Notification[] {
  return rows.map((row) => ({
    id: row.id,
    protocol: row.protocol,
    kind: row.kind,
    mchId: row.mch_id,
    outTradeNo: row.out_trade_no,
    outRefundNo: row.out_refund_no,
    url: row.url,
    body: row.body,
    tampering: tamperingOf(row.tampering, row.omitted_header ?? undefined),
    state: row.state,
    nextAt: row.next_at,
    attempts: Array.from(
      sql.exec<AttemptRow>(
        "select * from attempts where notification_id = ? order by rowid",
        row.id,
      ),
      (attempt) => ({
        at: attempt.at,
        status: attempt.status,
        ok: attempt.ok === 1,
        answer: attempt.answer,
      }),
    ),
  }));
}
