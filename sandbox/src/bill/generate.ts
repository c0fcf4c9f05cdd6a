import { completeBill, deleteBill, insertBill, insertPiece, type Bill } from "../ledger/bills.ts";
import { billFaultsFor, consumeFault, type ArmedBillFault } from "../ledger/faults.ts";
import type { Merchant } from "../ledger/merchants.ts";
import type { Protocol } from "../ledger/protocol.ts";
import { readSettings, type Settings } from "../ledger/settings.ts";
import type { LedgerTransaction } from "../ledger/transaction.ts";
import { newBillToken } from "../protocol/ids.ts";
import { err, ok, type Result } from "../result.ts";
import { applyLineFaults, takeFileFaults } from "./apply-fault.ts";
import { columnsOf, headerLine, type BillType, type NamedColumn } from "./columns.ts";
import { dayRefusal, type BillDay, type BillRefusal } from "./day.ts";
import { fillerOrder, LINES_PER_PIECE, type Filler } from "./filler.ts";
import { lineText, paymentLine, summaryLines, type Totals } from "./lines.ts";

/** A call for a bill in either protocol. */
export interface BillRequest {
  readonly protocol: Protocol;
  readonly day: BillDay;
  readonly type: BillType;
  readonly gzip: boolean;
}

/** A bill, and whether APIv3 returns a wrong hash of it. */
export type GeneratedBill = Bill & { readonly wrongHash: boolean };

/**
 * Generates a merchant's bill of a day from the current ledger and stores it. WeChat generates one
 * bill a day and never changes it; the sandbox generates a new one for each call.
 */
export function generateBill(
  ledger: LedgerTransaction,
  merchant: Merchant,
  request: BillRequest,
): Result<GeneratedBill, BillRefusal> {
  const { sql, now } = ledger;
  const settings = readSettings(sql);
  const refusal = dayRefusal(request.day, now, settings.billsOfToday);
  if (refusal !== null) return err(refusal);
  const armed = billFaultsFor(sql, merchant.mchId, request.protocol);
  const creating = armed.find(({ fault }) => fault === "creating");
  if (creating !== undefined) {
    consumeFault(sql, creating);
    return err("generating");
  }
  const bill = writeBill(ledger, merchant, request, settings, armed);
  return bill === null ? err("no-bill") : ok(bill);
}

/** Stores a bill; null when it would have no lines. */
function writeBill(
  { sql, now }: LedgerTransaction,
  merchant: Merchant,
  request: BillRequest,
  settings: Settings,
  armed: readonly ArmedBillFault[],
): GeneratedBill | null {
  const { mchId } = merchant;
  const { type, day, gzip } = request;
  const columns = columnsOf(type, settings.billColumns);
  const lineBreak = settings.billLineBreak === "crlf" ? "\r\n" : "\n";
  const id = insertBill(sql, { token: newBillToken(), mchId, createdAt: now, gzip });
  const totals: Totals = { lines: 0, paidFee: 0, refundedFee: 0, serviceFee: 0 };
  const header = headerLine(columns) + lineBreak;
  let text = (settings.billBom ? "\uFEFF" : "") + header;
  let pieces = 0;
  for (const { line } of applyLineFaults(sql, merchant, request, armed)) {
    addToTotals(totals, line, 1);
    text += lineText(line, columns) + lineBreak;
    if (totals.lines % LINES_PER_PIECE === 0) {
      insertPiece(sql, id, pieces++, text);
      text = "";
    }
  }
  if (text !== "") insertPiece(sql, id, pieces, text);
  const filler = fillerOf(merchant, request, settings.billExtraLines, columns, lineBreak);
  addToTotals(totals, paymentLine(fillerOrder(mchId, "", day)), filler.count);
  if (totals.lines === 0) {
    deleteBill(sql, id);
    return null;
  }
  const summary = summaryLines(totals, settings.billColumns).join(lineBreak);
  const faults = takeFileFaults(sql, armed, gzip);
  const bill = completeBill(sql, id, {
    filler,
    summary: summary + (settings.billFinalBreak ? lineBreak : ""),
    fileFault: faults.file,
  });
  return { ...bill, wrongHash: faults.wrongHash };
}

function fillerOf(
  { mchId, appIds: [appId = ""] }: Merchant,
  { type, day }: BillRequest,
  count: number,
  columns: readonly NamedColumn[],
  lineBreak: string,
): Filler {
  if (type !== "ALL" && type !== "SUCCESS") return { count: 0, line: "" };
  const line = lineText(paymentLine(fillerOrder(mchId, appId, day)), columns);
  return { count, line: line + lineBreak };
}

function addToTotals(
  totals: Totals,
  line: Pick<Totals, "paidFee" | "refundedFee" | "serviceFee">,
  times: number,
): void {
  totals.lines += times;
  totals.paidFee += line.paidFee * times;
  totals.refundedFee += line.refundedFee * times;
  totals.serviceFee += line.serviceFee * times;
}
