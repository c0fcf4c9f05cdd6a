import type { Bill } from "../ledger/bills.ts";
import type { WireResponse } from "./response.ts";
import type { ResponseStart } from "./transport-faults.ts";

/** How many bytes a truncated file lacks: more than the summary, less than the shortest file. */
const TRUNCATED_BYTES = 200;

/** The start of a bill's file, for faults that break the connection. */
export const BILL_FILE_START: ResponseStart = {
  headers: { "content-type": "text/plain; charset=utf-8" },
  beginning: "\uFEFF交易时间,公众账号ID",
};

/** Provides the text of a bill piece by piece; null after the last. */
export interface BillSource {
  billPiece(billId: number, index: number): Promise<string | null>;
}

/** The response with a bill's file, which is never signed, altered by the fault of the file. */
export function billFileResponse({ id, gzip, fileFault }: Bill, delayMs = 0): WireResponse {
  if (fileFault === "html-page") return { effect: "html-page" };
  return {
    effect: "bill",
    billId: id,
    gzip: gzip && fileFault !== "not-gzip",
    truncated: fileFault === "truncated",
    delayMs,
  };
}

/** Streams the bytes of a bill's file. Only one piece of the text is in memory. */
export function billBytes(
  source: BillSource,
  { billId, gzip, truncated }: Extract<WireResponse, { effect: "bill" }>,
): ReadableStream<Uint8Array> {
  let index = 0;
  const plain = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const text = await source.billPiece(billId, index++);
      if (text === null) controller.close();
      else controller.enqueue(new TextEncoder().encode(text));
    },
  });
  const bytes = gzip ? plain.pipeThrough(new CompressionStream("gzip")) : plain;
  return truncated ? bytes.pipeThrough(dropLast(TRUNCATED_BYTES)) : bytes;
}

/** Passes everything through except the last bytes. */
function dropLast(count: number): TransformStream<Uint8Array, Uint8Array> {
  let held = new Uint8Array();
  return new TransformStream({
    transform(chunk, controller) {
      const all = Buffer.concat([held, chunk]);
      const cut = Math.max(0, all.byteLength - count);
      if (cut > 0) controller.enqueue(new Uint8Array(all.subarray(0, cut)));
      held = new Uint8Array(all.subarray(cut));
    },
  });
}
