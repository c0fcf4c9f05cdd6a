import { BILL_FILE_FAULTS, type BillFileFault } from "../ledger/fault-names.ts";
import { consumeFault, type ArmedBillFault } from "../ledger/faults.ts";
import type { Merchant } from "../ledger/merchants.ts";
import type { BillType } from "./columns.ts";
import type { BillDay } from "./day.ts";
import { billEntries, unknownEntry, type Entry } from "./entries.ts";

/** The entries of a bill, altered by the armed faults. Each fault applies to a bill once. */
export function* applyLineFaults(
  sql: SqlStorage,
  merchant: Merchant,
  { type, day }: { readonly type: BillType; readonly day: BillDay },
  armed: readonly ArmedBillFault[],
): Iterable<Entry> {
  const lineFaults = armed.filter(
    ({ fault }) => fault === "missing-line" || fault === "wrong-amount",
  );
  for (const entry of billEntries(sql, merchant.mchId, type, day)) {
    const applied = lineFaults.find((fault) => entry.matches(fault));
    if (applied === undefined) {
      yield entry;
      continue;
    }
    consumeFault(sql, applied);
    if (applied.fault === "wrong-amount") yield entry.withOneFenMore();
  }
  for (const fault of armed.filter((it) => it.fault === "extra-line")) {
    const entry = unknownEntry(merchant, type, day, fault);
    if (entry === null) continue;
    consumeFault(sql, fault);
    yield entry;
  }
}

/** The faults of a bill's file and of its hash. */
export interface FileFaults {
  readonly file: BillFileFault | null;
  readonly wrongHash: boolean;
}

/** Consumes the oldest fault of the file and the oldest one of its hash. */
export function takeFileFaults(
  sql: SqlStorage,
  armed: readonly ArmedBillFault[],
  gzip: boolean,
): FileFaults {
  const hashFault = armed.find(({ fault }) => fault === "wrong-hash");
  if (hashFault !== undefined) consumeFault(sql, hashFault);
  const wrongHash = hashFault !== undefined;
  for (const fault of armed) {
    const file = BILL_FILE_FAULTS.find((it) => it === fault.fault);
    // A file that was not requested as gzip can't lack the compression.
    if (file === undefined || (file === "not-gzip" && !gzip)) continue;
    consumeFault(sql, fault);
    return { file, wrongHash };
  }
  return { file: null, wrongHash };
}
