import { isRefundStatus, type BillLine } from "../domain/bill/line.ts";
import type { NumberedLine } from "../domain/bill/reader.ts";
import type { OurTrade } from "../db/day-trades.ts";

/**
 * A bill's lines in the object's SQLite, so that they can be compared in steps: a bill is one
 * compressed stream that can't be read from the middle. Only the compared columns are stored: no
 * openIds, no texts. The keys are ascending integers, so that a million lines append to both tables.
 */
export class Staging {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Deletes the lines of an earlier attempt. */
  reset(): void {
    const { sql } = this.#storage;
    sql.exec("drop table if exists lines");
    sql.exec("drop table if exists matched");
    sql.exec(`create table lines (
      number integer primary key,
      kind text not null,
      order_number text not null,
      transaction_id text not null,
      app_id text not null,
      refund_no text not null,
      refund_id text not null,
      fen integer not null,
      detail text not null
    )`);
    // Our orders and refunds that are in the bill, by their ids.
    sql.exec(`create table matched (
      kind text not null,
      id integer not null,
      primary key (kind, id)
    ) without rowid`);
  }

  /**
   * Adds lines, about a thousand at a time, by one statement: in workerd this is cheaper than many
   * statements of twelve rows each, the most that a hundred bound values allow.
   */
  add(lines: readonly NumberedLine[]): void {
    const rows = lines.flatMap(({ number, line }) =>
      line.kind === "revoked" ? [] : [[number, ...cellsOf(line)]],
    );
    this.#storage.sql.exec(
      `insert into lines
         (number, kind, order_number, transaction_id, app_id, refund_no, refund_id, fen, detail)
       select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
         value ->> 6, value ->> 7, value ->> 8
       from json_each(?)`,
      JSON.stringify(rows),
    );
  }

  /** Waits until all added lines are stored, so that pending writes don't accumulate in memory. */
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
      .map(stagedLineOf);
  }

  /** The lines with these numbers, in their order in the bill. */
  linesAt(numbers: readonly number[]): StagedLine[] {
    return this.#storage.sql
      .exec<StagedRow>(
        "select * from lines where number in (select value from json_each(?)) order by number",
        JSON.stringify(numbers),
      )
      .toArray()
      .map(stagedLineOf);
  }

  /** Marks trades of ours as present in the bill. Returns those that weren't marked before. */
  match(kind: TradeKind, ids: readonly number[]): Set<number> {
    const rows = this.#storage.sql
      .exec<{ id: number }>(
        `insert or ignore into matched (kind, id) select ?, value from json_each(?) returning id`,
        kind,
        JSON.stringify(ids),
      )
      .toArray();
    return new Set(rows.map(({ id }) => id));
  }

  /** The trades of ours that aren't in the bill. */
  missing(kind: TradeKind, trades: readonly OurTrade[]): OurTrade[] {
    const rows = this.#storage.sql
      .exec<{ id: number }>(
        "select id from matched where kind = ? and id in (select value from json_each(?))",
        kind,
        JSON.stringify(trades.map(({ id }) => id)),
      )
      .toArray();
    const matched = new Set(rows.map(({ id }) => id));
    return trades.filter(({ id }) => !matched.has(id));
  }
}

/** The kind of our trade that a line refers to. */
export type TradeKind = "order" | "refund";

/** A line that is compared; revoked payments aren't. */
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
  /** Missing in a day that began before this column existed. */
  app_id?: string;
  refund_no: string;
  refund_id: string;
  fen: number;
  /** A refund's status, or the fault of an unreadable line. */
  detail: string;
};

function cellsOf(line: ComparedLine): (string | number)[] {
  const { kind, orderNumber, transactionId, wechatAppId } = line;
  const trade = [kind, orderNumber, transactionId, wechatAppId];
  switch (line.kind) {
    case "payment":
      return [...trade, "", "", line.totalFen, ""];
    case "refund": {
      const { refundNo, refundId, refundFen, status } = line;
      return [...trade, refundNo, refundId, refundFen, status];
    }
    case "unreadable":
      return [...trade, line.refundNo, "", 0, line.fault];
  }
}

function stagedLineOf(row: StagedRow): StagedLine {
  return { number: row.number, line: lineOf(row) };
}

function lineOf(row: StagedRow): ComparedLine {
  const common = {
    orderNumber: row.order_number,
    transactionId: row.transaction_id,
    wechatAppId: row.app_id ?? "",
  };
  const { refund_no: refundNo, refund_id: refundId, fen, detail } = row;
  switch (row.kind) {
    case "payment":
      return { kind: "payment", ...common, totalFen: fen };
    case "refund":
      if (!isRefundStatus(detail)) throw new Error("a staged refund without a status");
      return { kind: "refund", ...common, refundNo, refundId, refundFen: fen, status: detail };
    case "unreadable":
      return { kind: "unreadable", ...common, refundNo, fault: detail };
  }
}
