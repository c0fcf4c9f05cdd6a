import { useUp, type ArmedBillFault } from "../ledger/faults.ts";
import { BILL_DAMAGES, type BillDamage } from "../ledger/fault-names.ts";
import type { Merchant } from "../ledger/merchants.ts";
import type { BillType } from "./columns.ts";
import type { BillDay } from "./day.ts";
import { billEntries, unknownEntry, type Entry } from "./entries.ts";

/** The entries of a bill, with what the armed faults make of them. Each strikes a bill once. */
export function* struckEntries(
  sql: SqlStorage,
  merchant: Merchant,
  { type, day }: { type: BillType; day: BillDay },
  armed: ArmedBillFault[],
): Iterable<Entry> {
  const ofLines = armed.filter(({ fault }) => fault === "missing-line" || fault === "wrong-amount");
  for (const entry of billEntries(sql, merchant.mchId, type, day)) {
    const struck = ofLines.find((fault) => entry.isOf(fault));
    if (struck === undefined) {
      yield entry;
      continue;
    }
    useUp(sql, struck);
    if (struck.fault === "wrong-amount") yield entry.oneFenMore();
  }
  for (const fault of armed.filter((it) => it.fault === "extra-line")) {
    const entry = unknownEntry(merchant, type, day, fault);
    if (entry === undefined) continue;
    useUp(sql, fault);
    yield entry;
  }
}

/** What is wrong with a bill's file, and with what is told of it. */
export interface Damage {
  file: BillDamage | null;
  hash: boolean;
}

/** Uses up the oldest fault of the file and the oldest of its hash. */
export function takeDamage(sql: SqlStorage, armed: ArmedBillFault[], gzip: boolean): Damage {
  const hash = armed.find(({ fault }) => fault === "wrong-hash");
  if (hash !== undefined) useUp(sql, hash);
  for (const fault of armed) {
    const kind = BILL_DAMAGES.find((it) => it === fault.fault);
    // What was not asked for as gzip can't lack it.
    if (kind === undefined || (kind === "not-gzip" && !gzip)) continue;
    useUp(sql, fault);
    return { file: kind, hash: hash !== undefined };
  }
  return { file: null, hash: hash !== undefined };
}
