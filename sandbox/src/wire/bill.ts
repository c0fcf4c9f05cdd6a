import type { Bill } from "../ledger/bills.ts";
import type { WireAnswer } from "./answer.ts";
import type { Line } from "./faults.ts";

/** How much of a truncated file is missing: more than the summary, less than the shortest file. */
const MISSING_BYTES = 200;

/** What the faults of the line need to know of a bill's file. */
export const BILL_LINE: Line = {
  headers: { "content-type": "text/plain; charset=utf-8" },
  beginning: "\uFEFF交易时间,公众账号ID",
};

/** Where the text of a bill comes from, piece by piece: null after the last. */
export interface BillPieces {
  billPiece(billId: number, index: number): Promise<string | null>;
}

/** A bill's file as it goes out, with what is wrong with it. It is never signed. */
export function billFile({ id, gzip, damage }: Bill, delayMs = 0): WireAnswer {
  if (damage === "html-page") return { effect: "html-page" };
  return {
    effect: "bill",
    billId: id,
    gzip: gzip && damage !== "not-gzip",
    truncated: damage === "truncated",
    delayMs,
  };
}

/** The bytes of a bill's file. Of the text no more is held than one piece. */
export function billBytes(
  pieces: BillPieces,
  { billId, gzip, truncated }: Extract<WireAnswer, { effect: "bill" }>,
): ReadableStream<Uint8Array> {
  let index = 0;
  const plain = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const text = await pieces.billPiece(billId, index++);
      if (text === null) controller.close();
      else controller.enqueue(new TextEncoder().encode(text));
    },
  });
  const packed = gzip ? plain.pipeThrough(new CompressionStream("gzip")) : plain;
  return truncated ? packed.pipeThrough(withoutEnd(MISSING_BYTES)) : packed;
}

/** Lets everything through but the last bytes. */
function withoutEnd(missing: number): TransformStream<Uint8Array, Uint8Array> {
  let held = new Uint8Array();
  return new TransformStream({
    transform(chunk, controller) {
      const all = Buffer.concat([held, chunk]);
      const cut = Math.max(0, all.byteLength - missing);
      if (cut > 0) controller.enqueue(new Uint8Array(all.subarray(0, cut)));
      held = new Uint8Array(all.subarray(cut));
    },
  });
}
