import { createHash } from "node:crypto";
import { BillReader, type BillFault, type NumberedLine } from "../domain/bill/reader.ts";
import type { Tally } from "../domain/bill/tally.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { peek } from "../lib/peek.ts";
import type { Staging } from "./staging.ts";

/** Bytes after decompression. Two million lines of the longest form; a bomb goes no further. */
export const MAX_PLAIN_BYTES = 1024 * 1024 * 1024;
/**
 * Twice the day that this was measured for. A million lines take some 20 s of CPU time, of the 30 s
 * that a step has by default: whoever has more raises `limits.cpu_ms` (docs/operation.md).
 */
export const MAX_LINES = 2_000_000;
/** So many lines that can't be read are a form that isn't known, rather than some odd trades. */
export const MAX_UNREADABLE_LINES = 100;
/** Lines that one statement stages: some 150 KB of JSON, of the 2 MB that a value may have. */
const LINES_PER_STATEMENT = 1_000;
/** Lines after which the storage is waited for. */
const MAX_UNFLUSHED_LINES = 20_000;

const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** A bill as it comes from WeChat. */
export interface OpenedBill {
  readonly stream: ReadableStream<Uint8Array>;
  /** Lower-case hex, of the text after decompression; null when there is none to compare. */
  readonly sha1: string | null;
}

/**
 * Stages a bill's lines, gzipped or plain, piece by piece: at no time is more of it in memory than
 * a piece, a line and a thousand staged rows. What was staged counts only if this returns a tally:
 * the stream ended, its hash and its summary agree.
 */
export async function ingest(
  { stream, sha1 }: OpenedBill,
  mchId: string,
  staging: Staging,
): Promise<Result<Tally, BillFault>> {
  staging.reset();
  const plain = await decompressed(stream);
  if (!plain.ok) return plain;
  const pieces = plain.value.getReader();
  const bill = new BillReader(mchId);
  // Node's, since it can be given up half-way without a promise left behind.
  const hash = createHash("sha1");
  // Not fatal: what a merchant's text holds doesn't matter, and a broken number is refused as such.
  const decoder = new TextDecoder("utf-8");
  const batch = new Batch(staging);
  let bytes = 0;
  for (;;) {
    const piece = await next(pieces);
    if (!piece.ok) return piece;
    if (piece.value === null) break;
    hash.update(piece.value);
    bytes += piece.value.byteLength;
    await batch.add(bill.push(decoder.decode(piece.value, { stream: true })));
    const fault = bill.fault ?? excess(bytes, bill.tally);
    if (fault !== null) {
      await pieces.cancel();
      return err(fault);
    }
  }
  await batch.add(bill.push(decoder.decode()));
  await batch.add(bill.end());
  await batch.end();
  // Before the form: what was garbled on the way looks like anything.
  if (sha1 !== null && hash.digest("hex") !== sha1) return broken("its hash is another");
  const fault = bill.fault ?? excess(bytes, bill.tally);
  return fault === null ? ok(bill.tally) : err(fault);
}

/** By the magic bytes: what headers say of bills isn't reliable (W-57). */
async function decompressed(
  stream: ReadableStream<Uint8Array>,
): Promise<Result<ReadableStream<Uint8Array>, BillFault>> {
  try {
    const { head, whole } = await peek(stream, GZIP_MAGIC.length);
    const isGzip = GZIP_MAGIC.every((byte, index) => head[index] === byte);
    return ok(isGzip ? whole.pipeThrough(new DecompressionStream("gzip")) : whole);
  } catch (error) {
    return broken(textOf(error));
  }
}

/** The next piece; null at the end. */
async function next(
  pieces: ReadableStreamDefaultReader<Uint8Array>,
): Promise<Result<Uint8Array | null, BillFault>> {
  try {
    const { done, value } = await pieces.read();
    return ok(done ? null : value);
  } catch (error) {
    return broken(textOf(error));
  }
}

function excess(bytes: number, { lines, unreadable }: Tally): BillFault | null {
  const reason =
    bytes > MAX_PLAIN_BYTES
      ? `more than ${MAX_PLAIN_BYTES} bytes`
      : lines > MAX_LINES
        ? `more than ${MAX_LINES} lines`
        : unreadable > MAX_UNREADABLE_LINES
          ? `more than ${MAX_UNREADABLE_LINES} unreadable lines`
          : null;
  return reason === null ? null : { kind: "unreadable", reason };
}

function broken(reason: string): { readonly ok: false; readonly error: BillFault } {
  return err({ kind: "broken", reason });
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : "the stream broke off";
}

/** Lines on their way to the staging, so that many are written at once. */
class Batch {
  readonly #staging: Staging;
  #lines: NumberedLine[] = [];
  #unflushed = 0;

  constructor(staging: Staging) {
    this.#staging = staging;
  }

  async add(lines: readonly NumberedLine[]): Promise<void> {
    for (const line of lines) this.#lines.push(line);
    while (this.#lines.length >= LINES_PER_STATEMENT) {
      this.#write(this.#lines.splice(0, LINES_PER_STATEMENT));
      if (this.#unflushed >= MAX_UNFLUSHED_LINES) {
        await this.#staging.flush();
        this.#unflushed = 0;
      }
    }
  }

  async end(): Promise<void> {
    this.#write(this.#lines);
    await this.#staging.flush();
  }

  #write(lines: readonly NumberedLine[]): void {
    this.#staging.add(lines);
    this.#unflushed += lines.length;
  }
}
