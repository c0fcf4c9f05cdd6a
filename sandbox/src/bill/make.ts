import type { Books } from "../ledger/books.ts";
import { addPiece, beginBill, dropBill, endBill, type Bill } from "../ledger/bills.ts";
import { billFaultsFor, useUp, type ArmedBillFault } from "../ledger/faults.ts";
import type { Merchant } from "../ledger/merchants.ts";
import type { Protocol } from "../ledger/protocol.ts";
import { readSettings, type Settings } from "../ledger/settings.ts";
import { newBillToken } from "../protocol/ids.ts";
import { columnsOf, headerLine, type BillType, type NamedColumn } from "./columns.ts";
import { dayRefusal, type BillDay } from "./day.ts";
import { fillingOrder, LINES_A_PIECE, type Filler } from "./filler.ts";
import { lineText, paymentLine, summaryLines, type Totals } from "./lines.ts";
import { struckEntries, takeDamage } from "./strike.ts";

/** What a call says of the bill that it wants. */
export interface BillRequest {
  protocol: Protocol;
  day: BillDay;
  type: BillType;
  gzip: boolean;
}

/** Why there is no bill. */
export type BillRefusal = "no-bill" | "being-made" | "not-yet" | "too-old";

export type BillRuling = { ok: true; bill: MadeBill } | { ok: false; refusal: BillRefusal };

/** A bill, and whether its hash is to be told wrong. */
export type MadeBill = Bill & { wrongHash: boolean };

/**
 * Makes a merchant's bill of a day from what is in the books at this instant, and keeps it as it is.
 * WeChat makes one bill a day and never changes it; the sandbox makes a new one for each call.
 */
export function makeBill(books: Books, merchant: Merchant, request: BillRequest): BillRuling {
  const { sql, now } = books;
  const settings = readSettings(sql);
  const refusal = dayRefusal(request.day, now, settings.billsOfToday);
  if (refusal !== undefined) return { ok: false, refusal };
  const armed = billFaultsFor(sql, merchant.mchId, request.protocol);
  const creating = armed.find(({ fault }) => fault === "creating");
  if (creating !== undefined) {
    useUp(sql, creating);
    return { ok: false, refusal: "being-made" };
  }
  const bill = written(books, merchant, request, settings, armed);
  return bill === undefined ? { ok: false, refusal: "no-bill" } : { ok: true, bill };
}

/** Writes a bill into the books; undefined when there is nothing to write. */
function written(
  { sql, now }: Books,
  merchant: Merchant,
  request: BillRequest,
  settings: Settings,
  armed: ArmedBillFault[],
): MadeBill | undefined {
  const { mchId } = merchant;
  const { type, day, gzip } = request;
  const columns = columnsOf(type, settings.billColumns);
  const lineBreak = settings.billLineBreak === "crlf" ? "\r\n" : "\n";
  const id = beginBill(sql, { token: newBillToken(), mchId, madeAt: now, gzip });
  const totals: Totals = { lines: 0, paidFee: 0, refundedFee: 0, poundage: 0 };
  const header = headerLine(columns) + lineBreak;
  let text = (settings.billBom ? "\uFEFF" : "") + header;
  let pieces = 0;
  for (const { line } of struckEntries(sql, merchant, request, armed)) {
    addUp(totals, line, 1);
    text += lineText(line, columns) + lineBreak;
    if (totals.lines % LINES_A_PIECE === 0) {
      addPiece(sql, id, pieces++, text);
      text = "";
    }
  }
  if (text !== "") addPiece(sql, id, pieces, text);
  const filler = fillerOf(merchant, request, settings.billExtraLines, columns, lineBreak);
  addUp(totals, paymentLine(fillingOrder(mchId, "", day)), filler.count);
  if (totals.lines === 0) {
    dropBill(sql, id);
    return undefined;
  }
  const summary = summaryLines(totals, settings.billColumns).join(lineBreak);
  const damage = takeDamage(sql, armed, gzip);
  const bill = endBill(sql, id, {
    filler,
    summary: summary + (settings.billFinalBreak ? lineBreak : ""),
    damage: damage.file,
  });
  return { ...bill, wrongHash: damage.hash };
}

function fillerOf(
  { mchId, appIds: [appId = ""] }: Merchant,
  { type, day }: BillRequest,
  count: number,
  columns: readonly NamedColumn[],
  lineBreak: string,
): Filler {
  if (type !== "ALL" && type !== "SUCCESS") return { count: 0, line: "" };
  const line = lineText(paymentLine(fillingOrder(mchId, appId, day)), columns);
  return { count, line: line + lineBreak };
}

function addUp(
  totals: Totals,
  line: Pick<Totals, "paidFee" | "refundedFee" | "poundage">,
  times: number,
): void {
  totals.lines += times;
  totals.paidFee += line.paidFee * times;
  totals.refundedFee += line.refundedFee * times;
  totals.poundage += line.poundage * times;
}
