import { createHash } from "node:crypto";
import { fillerPiece, fillerPieces, type Filler } from "../bill/filler.ts";
import type { BillDamage } from "./fault-names.ts";

/**
 * A bill as it was made, at one instant: it stays so while it is downloaded, whatever happens
 * meanwhile. Its text is kept in pieces, so that no bill is ever one string.
 */
export interface Bill {
  id: number;
  /** What a download in APIv3 asks for it by. */
  token: string;
  mchId: string;
  madeAt: number;
  gzip: boolean;
  damage: BillDamage | null;
}

// Longer than any download takes.
const KEPT_MS = 60 * 60 * 1000;

type Row = {
  id: number;
  token: string;
  mch_id: string;
  made_at: number;
  gzip: number;
  damage: BillDamage | null;
};

/** Begins a bill, which has no text yet. Forgets those that nobody can be downloading any more. */
export function beginBill(sql: SqlStorage, bill: Omit<Bill, "id" | "damage">): number {
  sql.exec("delete from bills where made_at < ?", bill.madeAt - KEPT_MS);
  sql.exec("delete from bill_pieces where bill_id not in (select id from bills)");
  return sql
    .exec<{ id: number }>(
      `insert into bills (token, mch_id, made_at, gzip, filler_count, filler_line, summary)
       values (?, ?, ?, ?, 0, '', '') returning id`,
      bill.token,
      bill.mchId,
      bill.madeAt,
      bill.gzip ? 1 : 0,
    )
    .one().id;
}

export function addPiece(sql: SqlStorage, billId: number, piece: number, text: string): void {
  sql.exec("insert into bill_pieces (bill_id, piece, text) values (?, ?, ?)", billId, piece, text);
}

/** Ends a bill: what comes after its pieces, and what is wrong with its file. */
export function endBill(
  sql: SqlStorage,
  billId: number,
  { filler, summary, damage }: { filler: Filler; summary: string; damage: BillDamage | null },
): Bill {
  const row = sql
    .exec<Row>(
      `update bills set filler_count = ?, filler_line = ?, summary = ?, damage = ? where id = ?
       returning *`,
      filler.count,
      filler.line,
      summary,
      damage,
      billId,
    )
    .one();
  return billOf(row);
}

export function dropBill(sql: SqlStorage, billId: number): void {
  sql.exec("delete from bills where id = ?", billId);
}

export function findBill(sql: SqlStorage, token: string): Bill | undefined {
  const [row] = sql.exec<Row>("select * from bills where token = ?", token);
  return row && billOf(row);
}

/** A piece of a bill's text, counted from 0; null after the last. A bill that is gone throws. */
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

/** SHA-1, in hex, of a bill's whole text, before any compression. */
export function billHash(sql: SqlStorage, billId: number): string {
  const hash = createHash("sha1");
  for (let index = 0; ; index++) {
    const text = billPiece(sql, billId, index);
    if (text === null) return hash.digest("hex");
    hash.update(text, "utf8");
  }
}

function billOf(row: Row): Bill {
  return {
    id: row.id,
    token: row.token,
    mchId: row.mch_id,
    madeAt: row.made_at,
    gzip: row.gzip === 1,
    damage: row.damage,
  };
}
