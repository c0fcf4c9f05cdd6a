import { isRefundStatus, type BillLine } from "../domain/bill/line.ts";
import type { NumberedLine } from "../domain/bill/reader.ts";
import type { OurTrade } from "../db/day-trades.ts";

/**
 * A bill's lines, in the object's own SQLite, so that they can be compared in steps: a bill is one
 * compressed stream that can't be entered in the middle. Of each line the columns that are compared;
 * no openIds, no texts. Plain integers are its keys, written in their order, so that a million lines
 * grow both tables at their end.
 */
export class Staging {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Empties it, whatever an attempt before has left. */
  reset(): void {
    const { sql } = this.#storage;
    sql.exec("drop table if exists lines");
    sql.exec("drop table if exists matched");
    sql.exec(`create table lines (
      number integer primary key,
      kind text not null,
      order_number text not null,
      transaction_id text not null,
      refund_no text not null,
      refund_id text not null,
      fen integer not null,
      word text not null
    )`);
    // Our own orders and refunds that the bill has, by their ids.
    sql.exec(`create table matched (
      kind text not null,
      id integer not null,
      primary key (kind, id)
    ) without rowid`);
  }

  /**
   * Adds lines, a thousand or so at a time, by one statement: in workerd cheaper than several of the
   * twelve rows that a hundred bound values make.
   */
  add(lines: readonly NumberedLine[]): void {
    const rows = lines.flatMap(({ number, line }) =>
      line.kind === "revoked" ? [] : [[number, ...cellsOf(line)]],
    );
    this.#storage.sql.exec(
      `insert into lines (number, kind, order_number, transaction_id, refund_no, refund_id, fen, word)
       select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
         value ->> 6, value ->> 7
       from json_each(?)`,
      JSON.stringify(rows),
    );
  }

  /** Waits until what was added is stored, so that what isn't yet never piles up in memory. */
  async flush(): Promise<void> {
    await this.#storage.sync();
  }

  /** The next lines after `number`, at most `limit`. */
  linesAfter(number: number, limit: number): StagedLine[] {
    return this.#storage.sql
      .exec<StagedRow>(
        "select * from lines where number > ? order by number limit ?",
        number,
        limit,
      )
      .toArray()
      .map((row) => ({ number: row.number, line: lineOf(row) }));
  }

  /** Notes which of our own the bill has. Returns those that weren't noted before. */
  match(kind: Matched, ids: readonly number[]): Set<number> {
    const rows = this.#storage.sql
      .exec<{ id: number }>(
        `insert or ignore into matched (kind, id) select ?, value from json_each(?) returning id`,
        kind,
        JSON.stringify(ids),
      )
      .toArray();
    return new Set(rows.map(({ id }) => id));
  }

  /** Those of our trades that the bill hasn't. */
  missing(kind: Matched, trades: readonly OurTrade[]): OurTrade[] {
    const rows = this.#storage.sql
      .exec<{ id: number }>(
        "select id from matched where kind = ? and id in (select value from json_each(?))",
        kind,
        JSON.stringify(trades.map(({ id }) => id)),
      )
      .toArray();
    const there = new Set(rows.map(({ id }) => id));
    return trades.filter(({ id }) => !there.has(id));
  }
}

/** What of ours a line of the bill is about. */
export type Matched = "order" | "refund";

/** A line that is compared; payments that were taken back aren't. */
export type ComparedLine = Exclude<BillLine, { kind: "revoked" }>;

export interface StagedLine {
  readonly number: number;
  readonly line: ComparedLine;
}

type StagedRow = {
  number: number;
  kind: "payment" | "refund" | "unreadable";
  order_number: string;
  transaction_id: string;
  refund_no: string;
  refund_id: string;
  fen: number;
  /** A refund's status, or what is wrong with an unreadable line. */
  word: string;
};

function cellsOf(line: ComparedLine): (string | number)[] {
  const { kind, orderNumber, transactionId } = line;
  switch (line.kind) {
    case "payment":
      return [kind, orderNumber, transactionId, "", "", line.totalFen, ""];
    case "refund": {
      const { refundNo, refundId, refundFen, status } = line;
      return [kind, orderNumber, transactionId, refundNo, refundId, refundFen, status];
    }
    case "unreadable":
      return [kind, orderNumber, transactionId, line.refundNo, "", 0, line.fault];
  }
}

function lineOf(row: StagedRow): ComparedLine {
  const named = { orderNumber: row.order_number, transactionId: row.transaction_id };
  const { refund_no: refundNo, refund_id: refundId, fen, word } = row;
  switch (row.kind) {
    case "payment":
      return { kind: "payment", ...named, totalFen: fen };
    case "refund":
      if (!isRefundStatus(word)) throw new Error("a staged refund without a status");
      return { kind: "refund", ...named, refundNo, refundId, refundFen: fen, status: word };
    case "unreadable":
      return { kind: "unreadable", ...named, refundNo, fault: word };
  }
}
