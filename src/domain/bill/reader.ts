import { readColumns, type Columns } from "./columns.ts";
import { readLine, type ReadLine } from "./line.ts";
import { isSummaryHeader, NOTHING, summaryFault, tally, type Tally } from "./tally.ts";

/** A line with its number in the bill, the line of names being the first. */
export interface NumberedLine extends ReadLine {
  readonly number: number;
}

/**
 * `broken`: cut short or garbled on the way, so that another download may be whole. `unreadable`:
 * not a form that is known, so that a person must look.
 */
export interface BillFault {
  readonly kind: "broken" | "unreadable";
  readonly reason: string;
}

/** Characters. A line of a bill is below 2000; what has no line breaks is no bill. */
const MOST_LINE_LENGTH = 64 * 1024;

/** What the next line should be: the trades go on until the summary's line of names. */
type Place = "names" | "trades" | "summary" | "end";

/**
 * Reads a bill that comes in pieces, cut anywhere: holds no more of it than the line at hand.
 * Lines end in CRLF or LF, the last one perhaps in nothing; a byte order mark may come first.
 */
export class BillReader {
  readonly #mchId: string;
  #rest = "";
  #number = 0;
  #place: Place = "names";
  #columns: Columns | null = null;
  #summaryNames = "";
  #summary: string | null = null;
  #tally = NOTHING;
  #fault: BillFault | null = null;

  /** @param mchId the merchant whose bill it should be */
  constructor(mchId: string) {
    this.#mchId = mchId;
  }

  /** What the lines so far come to. */
  get tally(): Tally {
    return this.#tally;
  }

  /** What was found wrong so far; nothing is read after it. */
  get fault(): BillFault | null {
    return this.#fault;
  }

  /** Takes the next piece. Returns the lines about trades that are whole by it. */
  push(piece: string): NumberedLine[] {
    const lines = (this.#rest + piece).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > MOST_LINE_LENGTH) this.#fail("unreadable", "a line without an end");
    return this.#read(lines);
  }

  /** No piece is left: takes the last line, and looks whether the bill is whole. */
  end(): NumberedLine[] {
    const last = this.#read(this.#rest === "" ? [] : [this.#rest]);
    this.#rest = "";
    if (this.#fault === null && this.#place !== "end") this.#fail("broken", "it has no summary");
    return last;
  }

  #read(lines: readonly string[]): NumberedLine[] {
    const read: NumberedLine[] = [];
    for (const line of lines) {
      if (this.#fault !== null) break;
      this.#number += 1;
      const text = line.endsWith("\r") ? line.slice(0, -1) : line;
      const trade = this.#readOne(this.#number === 1 ? text.replace(/^\uFEFF/, "") : text);
      if (trade !== null) read.push(trade);
    }
    this.#tally = tally(this.#tally, read);
    if (this.#summary !== null) this.#compare(this.#summary);
    return read;
  }

  #readOne(text: string): NumberedLine | null {
    if (text === "" && this.#place !== "names") return null;
    switch (this.#place) {
      case "names": {
        const columns = readColumns(text);
        if (columns.ok) this.#columns = columns.value;
        else this.#fail("unreadable", columns.error);
        this.#place = "trades";
        return null;
      }
      case "trades":
        if (!isSummaryHeader(text)) return this.#readTrade(text);
        this.#summaryNames = text;
        this.#place = "summary";
        return null;
      case "summary":
        this.#summary = text;
        this.#place = "end";
        return null;
      case "end":
        this.#fail("unreadable", "something after the summary");
        return null;
    }
  }

  #readTrade(text: string): NumberedLine | null {
    if (this.#columns === null) return null;
    return { number: this.#number, ...readLine(text, this.#columns, this.#mchId) };
  }

  /** With the tally of all lines, for it is the last one. */
  #compare(values: string): void {
    this.#summary = null;
    const reason = summaryFault(this.#summaryNames, values, this.#tally);
    if (reason !== null) this.#fail("broken", reason);
  }

  #fail(kind: BillFault["kind"], reason: string): void {
    this.#fault ??= { kind, reason };
  }
}
