import { createHash } from "node:crypto";
import { fillerPiece, fillerPieces, type Filler } from "../bill/filler.ts";
import type { BillFileFault } from "./fault-names.ts";

/**
 * A bill as generated at one instant: it doesn't change while it is downloaded. Its text is stored in
 * pieces, so that it is never held in memory as a whole.
 */
export interface Bill {
  readonly id: number;
  /** Identifies the bill in the address that APIv3 returns. */
  readonly token: string;
  readonly mchId: string;
  readonly createdAt: number;
  readonly gzip: boolean;
  readonly fileFault: BillFileFault | null;
}

// Longer than any download takes.
const BILL_LIFETIME_MS = 60 * 60 * 1000;

type Row = {
  id: number;
  token: string;
  mch_id: string;
  created_at: number;
  gzip: number;
  file_fault: BillFileFault | null;
};

/** Stores a bill without text, returns its id, and deletes the bills that are too old to download. */
export function insertBill(sql: SqlStorage, bill: Omit<Bill, "id" | "fileFault">): number {
  sql.exec("delete from bills where created_at < ?", bill.createdAt - BILL_LIFETIME_MS);
  sql.exec("delete from bill_pieces where bill_id not in (select id from bills)");
  return sql
    .exec<{ id: number }>(
      `insert into bills (token, mch_id, created_at, gzip, filler_count, filler_line, summary)
       values (?, ?, ?, ?, 0, '', '') returning id`,
      bill.token,
      bill.mchId,
      bill.createdAt,
      bill.gzip ? 1 : 0,
    )
    .one().id;
}

/** Appends a piece of text to a bill; pieces are numbered from 0. */
export function insertPiece(sql: SqlStorage, billId: number, piece: number, text: string): void {
  sql.exec("insert into bill_pieces (bill_id, piece, text) values (?, ?, ?)", billId, piece, text);
}

/** Completes a bill with its filler, its summary and the fault of its file. */
export function completeBill(
  sql: SqlStorage,
  billId: number,
  end: {
    readonly filler: Filler;
    readonly summary: string;
    readonly fileFault: BillFileFault | null;
  },
): Bill {
  const row = sql
    .exec<Row>(
      `update bills set filler_count = ?, filler_line = ?, summary = ?, file_fault = ? where id = ?
       returning *`,
      end.filler.count,
      end.filler.line,
      end.summary,
      end.fileFault,
      billId,
    )
    .one();
  return toBill(row);
}

/** Deletes a bill that is not complete. */
export function deleteBill(sql: SqlStorage, billId: number): void {
  sql.exec("delete from bills where id = ?", billId);
}

/** Finds a bill by the token of its address; null when there is none. */
export function findBill(sql: SqlStorage, token: string): Bill | null {
  const [row] = sql.exec<Row>("select * from bills where token = ?", token);
  return row === undefined ? null : toBill(row);
}

/** A piece of a bill's text, numbered from 0; null after the last. Throws when the bill is deleted. */
export function billPiece(sql: SqlStorage, billId: number, index: number): string | null {
  const { pieces, filler_count, filler_line, summary } = sql
    .exec<{ pieces: number; filler_count: number; filler_line: string; summary: string }>(
      `select filler_count, filler_line, summary,
         (select count(*) from bill_pieces where bill_id = bills.id) as pieces
       from bills where id = ?`,
      billId,
    )
    .one();
  if (index < pieces) {
    return sql
      .exec<{ text: string }>(
        "select text from bill_pieces where bill_id = ? and piece = ?",
        billId,
        index,
      )
      .one().text;
  }
  const filler = { count: filler_count, line: filler_line };
  const last = pieces + fillerPieces(filler);
  if (index < last) return fillerPiece(filler, index - pieces);
  return index === last ? summary : null;
}

/** SHA-1, in hex, of a bill's uncompressed text. */
export function billHash(sql: SqlStorage, billId: number): string {
  const hash = createHash("sha1");
  for (let index = 0; ; index++) {
    const text = billPiece(sql, billId, index);
    if (text === null) return hash.digest("hex");
    hash.update(text, "utf8");
  }
}

function toBill(row: Row): Bill {
  return {
    id: row.id,
    token: row.token,
    mchId: row.mch_id,
    createdAt: row.created_at,
    gzip: row.gzip === 1,
    fileFault: row.file_fault,
  };
}
