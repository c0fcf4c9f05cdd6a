import { readColumns, type Columns } from "./columns.ts";
import { readLine, type ReadLine } from "./line.ts";
import { isSummaryHeader, EMPTY_TALLY, summaryFault, tally, type Tally } from "./tally.ts";

/** A line with its number in the bill; the header is line 1. */
export interface NumberedLine extends ReadLine {
  readonly number: number;
}

/**
 * `broken`: truncated or garbled in transit; another download may succeed. `unreadable`: an unknown
 * format; a person must look.
 */
export interface BillFault {
  readonly kind: "broken" | "unreadable";
  readonly reason: string;
}

/** In characters. Lines of a bill are below 2000; a text without line breaks isn't a bill. */
const MAX_LINE_LENGTH = 64 * 1024;

/** The section of the next line. The trades end at the summary's header. */
type Section = "header" | "trades" | "summary" | "end";

/**
 * Reads a bill in chunks of any size; keeps only the current line in memory. Lines end in CRLF or
 * LF, which the last line may lack; a byte order mark may come first.
 */
export class BillReader {
  readonly #mchId: string;
  #rest = "";
  #number = 0;
  #section: Section = "header";
  #columns: Columns | null = null;
  #summaryHeader = "";
  #summary: string | null = null;
  #tally = EMPTY_TALLY;
  #fault: BillFault | null = null;

  /** @param mchId the merchant that the bill should belong to */
  constructor(mchId: string) {
    this.#mchId = mchId;
  }

  /** The totals of the lines so far. */
  get tally(): Tally {
    return this.#tally;
  }

  /** The first fault so far; nothing is read after it. */
  get fault(): BillFault | null {
    return this.#fault;
  }

  /** Reads the next chunk. Returns the trades that it completes. */
  push(chunk: string): NumberedLine[] {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > MAX_LINE_LENGTH) this.#fail("unreadable", "a line without an end");
    return this.#read(lines);
  }

  /** After the last chunk: reads the last line and checks that the bill is complete. */
  end(): NumberedLine[] {
    const last = this.#read(this.#rest === "" ? [] : [this.#rest]);
    this.#rest = "";
    if (this.#fault === null && this.#section !== "end") this.#fail("broken", "it has no summary");
    return last;
  }

  #read(lines: readonly string[]): NumberedLine[] {
    const read: NumberedLine[] = [];
    for (const line of lines) {
      if (this.#fault !== null) break;
      this.#number += 1;
      const text = line.endsWith("\r") ? line.slice(0, -1) : line;
      const trade = this.#readNext(this.#number === 1 ? text.replace(/^\uFEFF/, "") : text);
      if (trade !== null) read.push(trade);
    }
    this.#tally = tally(this.#tally, read);
    if (this.#summary !== null) this.#compare(this.#summary);
    return read;
  }

  #readNext(text: string): NumberedLine | null {
    if (text.trim() === "" && this.#section !== "header") return null;
    switch (this.#section) {
      case "header": {
        const columns = readColumns(text);
        if (columns.ok) this.#columns = columns.value;
        else this.#fail("unreadable", columns.error);
        this.#section = "trades";
        return null;
      }
      case "trades":
        if (!isSummaryHeader(text)) return this.#readTrade(text);
        this.#summaryHeader = text;
        this.#section = "summary";
        return null;
      case "summary":
        this.#summary = text;
        this.#section = "end";
        return null;
      case "end":
        this.#fail("unreadable", "text after the summary");
        return null;
    }
  }

  #readTrade(text: string): NumberedLine | null {
    if (this.#columns === null) return null;
    return { number: this.#number, ...readLine(text, this.#columns, this.#mchId) };
  }

  /** Called after all lines are in the tally: the summary comes last. */
  #compare(values: string): void {
    this.#summary = null;
    const reason = summaryFault(this.#summaryHeader, values, this.#tally);
    if (reason !== null) this.#fail("broken", reason);
  }

  #fail(kind: BillFault["kind"], reason: string): void {
    this.#fault ??= { kind, reason };
  }
}
