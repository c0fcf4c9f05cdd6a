import type { Books } from "./books.ts";
import {
  treatmentOf,
  type NotificationKind,
  type SignatureHeader,
  type Treatment,
} from "./fault-names.ts";
import type { Protocol } from "./protocol.ts";
import { readSettings } from "./settings.ts";

/** One try to tell the merchant. `status` is absent when there was no HTTP answer. */
export interface Attempt {
  at: number;
  status: number | null;
  ok: boolean;
  /** The head of the answer, or why there was none. */
  answer: string;
}

export interface Notification {
  id: number;
  protocol: Protocol;
  kind: NotificationKind;
  mchId: string;
  outTradeNo: string;
  outRefundNo: string | null;
  url: string;
  body: string;
  /** What is done to its signature, when it is sent, in APIv3. A probe is sent once. */
  treatment: Treatment | null;
  state: "waiting" | "acknowledged" | "given-up";
  nextAt: number | null;
  attempts: Attempt[];
}

/** What is known of a notification before it is stored. `nextAt` null: it is never sent. */
export type Draft = Omit<Notification, "id" | "state" | "attempts">;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * The waits after each failed attempt; after the last one WeChat gives up.
 * WeChat docs: payment result notification.
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

// Well above the time limit of an attempt.
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
  treatment: Treatment["kind"] | null;
  left_out: SignatureHeader | null;
  state: Notification["state"];
  next_at: number | null;
};
type AttemptRow = {
  notification_id: number;
  at: number;
  status: number | null;
  ok: number;
  answer: string;
};

/** Puts a notification on the schedule. */
export function insertNotification(sql: SqlStorage, draft: Draft): void {
  sql.exec(
    `insert into notifications (protocol, kind, mch_id, out_trade_no, out_refund_no, url, body,
       treatment, left_out, state, next_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    draft.protocol,
    draft.kind,
    draft.mchId,
    draft.outTradeNo,
    draft.outRefundNo,
    draft.url,
    draft.body,
    draft.treatment?.kind ?? null,
    draft.treatment?.kind === "missing-header" ? draft.treatment.header : null,
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
 * Takes the notifications whose next attempt is due, so that nobody else sends them meanwhile.
 * One whose sender is lost comes due again.
 */
export function claimDue({ sql, now }: Books): Notification[] {
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

/** The instant of the next thing to do by itself, or null when there is none. */
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
 * Records an attempt and what follows from it: acknowledged, a later attempt, or given up.
 * Does nothing when the sandbox was reset during the attempt.
 */
export function recordAttempt(
  { sql, now }: Books,
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
  const probe = notification.treatment?.kind === "probe";
  const wait = probe ? undefined : RETRY_WAITS_MS[notification.attempts.length];
  const nextAt =
    attempt.ok || wait === undefined
      ? null
      : now + Math.round(wait * readSettings(sql).notifyScale);
  const state = attempt.ok ? "acknowledged" : nextAt === null ? "given-up" : "waiting";
  sql.exec(
    "update notifications set state = ?, next_at = ? where id = ?",
    state,
    nextAt,
    notification.id,
  );
}

function withAttempts(sql: SqlStorage, rows: Row[]): Notification[] {
  return rows.map((row) => ({
    id: row.id,
    protocol: row.protocol,
    kind: row.kind,
    mchId: row.mch_id,
    outTradeNo: row.out_trade_no,
    outRefundNo: row.out_refund_no,
    url: row.url,
    body: row.body,
    treatment: treatmentOf(row.treatment ?? undefined, row.left_out ?? undefined) ?? null,
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
