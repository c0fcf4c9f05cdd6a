import { cutCells } from "./terminal.ts";

/** Where progress is written: stdout, or a stand-in of a test. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** What is counted, in the plural. */
  readonly unit: string;
  /** Left out: not known (yet). */
  readonly total?: number;
  readonly output?: ProgressOutput;
  /** A clock in ms. */
  readonly now?: () => number;
}

/** How often the line on a terminal is redrawn. */
const REDRAW_INTERVAL_MS = 250;
/** How often a line is written elsewhere. */
const LINE_INTERVAL_MS = 10_000;

const DEFAULT_COLUMNS = 80;

/** Carriage return, erase the line. */
const CLEAR = "\r\u001b[2K";

/**
 * Progress of something that takes longer than ten seconds: n of m, rate and time left, in one line
 * that is redrawn on a terminal, and as a plain line every ten seconds elsewhere.
 *
 * No library: those for terminals (cli-progress, listr2, ora) write nothing useful to a CI log, which
 * is half of this job, and the other half is one line.
 */
export class Progress {
  readonly #name: string;
  readonly #unit: string;
  readonly #output: ProgressOutput;
  readonly #now: () => number;
  readonly #startedAt: number;
  readonly #timer: NodeJS.Timeout;
  #total: number | undefined;
  #done = 0;
  #note = "";

  constructor(name: string, options: ProgressOptions) {
    this.#name = name;
    this.#unit = options.unit;
    this.#total = options.total;
    this.#output = options.output ?? process.stdout;
    this.#now = options.now ?? (() => performance.now());
    this.#startedAt = this.#now();
    const interval = this.#isTerminal() ? REDRAW_INTERVAL_MS : LINE_INTERVAL_MS;
    this.#timer = setInterval(() => this.#draw(), interval);
    // A program whose work has failed ends without `end`.
    this.#timer.unref();
  }

  /** Counts what has been done since the last call. */
  add(count = 1): void {
    this.#done += count;
  }

  /** Sets what has been done so far, and the total if it wasn't known. */
  set(done: number, total = this.#total): void {
    this.#done = done;
    this.#total = total;
  }

  /** A remark behind the numbers. */
  note(text: string): void {
    this.#note = text;
  }

  /** Writes a line of its own, above the progress on a terminal. */
  log(text: string): void {
    if (this.#isTerminal()) this.#output.write(CLEAR);
    this.#output.write(`${text}\n`);
    if (this.#isTerminal()) this.#draw();
  }

  /** Removes the line from a terminal; writes nothing elsewhere. */
  end(): void {
    clearInterval(this.#timer);
    if (this.#isTerminal()) this.#output.write(CLEAR);
  }

  /** For example `load: 120 of 600 orders, 11.3/s, 42 s left, 11 s so far, one at a time`. */
  text(): string {
    const seconds = (this.#now() - this.#startedAt) / 1000;
    const total = this.#total === undefined ? "" : ` of ${this.#total}`;
    const isCounted = this.#done > 0 || this.#total !== undefined;
    const parts = isCounted ? [`${this.#done}${total} ${this.#unit}`] : [];
    if (this.#done > 0 && seconds > 0) {
      const rate = this.#done / seconds;
      parts.push(rate >= 1 ? `${rate.toFixed(1)}/s` : `${(rate * 60).toFixed(1)}/min`);
      if (this.#total !== undefined) {
        parts.push(`${duration(Math.max(0, this.#total - this.#done) / rate)} left`);
      }
    }
    parts.push(`${duration(seconds)} so far`);
    if (this.#note !== "") parts.push(this.#note);
    return `${this.#name}: ${parts.join(", ")}`;
  }

  #draw(): void {
    if (!this.#isTerminal()) {
      this.#output.write(`${this.text()}\n`);
      return;
    }
    const { columns = 0 } = this.#output;
    // A pseudo-terminal without a size has 0 columns.
    const width = (columns > 0 ? columns : DEFAULT_COLUMNS) - 1;
    this.#output.write(CLEAR + cutCells(this.text(), width));
  }

  #isTerminal(): boolean {
    return this.#output.isTTY === true;
  }
}

/** Seconds as `42 s` or `3 min 5 s`. */
function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
