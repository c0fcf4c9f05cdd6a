import { createHash } from "node:crypto";
import { BillReader, type BillFault, type NumberedLine } from "../domain/bill/reader.ts";
import type { Tally } from "../domain/bill/tally.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { peek } from "../lib/peek.ts";
import type { Staging } from "./staging.ts";

/** Bytes after decompression: two million lines of the longest form. Stops a decompression bomb. */
export const MAX_PLAIN_BYTES = 1024 * 1024 * 1024;
/**
 * Twice the measured day. A million lines take about 20 s of CPU time, of the 30 s that a step has by
 * default; larger days need a higher `limits.cpu_ms` (docs/operate.md, "Reconciliation").
 */
export const MAX_LINES = 2_000_000;
/**
 * More unreadable lines than this, which may be ours, mean an unknown format rather than a few odd
 * trades.
 */
export const MAX_UNREADABLE_LINES = 100;
/** Lines staged by one statement: about 150 KB of JSON, of the 2 MB that a value may have. */
const LINES_PER_STATEMENT = 1_000;
/** Lines written before the storage is flushed. */
const MAX_UNFLUSHED_LINES = 20_000;

const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** A bill as WeChat sends it. */
export interface OpenedBill {
  readonly stream: ReadableStream<Uint8Array>;
  /** Lower-case hex, of the text after decompression; null when WeChat sends none (APIv2). */
  readonly sha1: string | null;
}

/**
 * Stages a bill's lines, gzipped or plain, as a stream: memory holds at most one chunk, one line and
 * a thousand rows. The staged lines are valid only if this returns a tally: the stream ended, and
 * its hash and summary agree.
 */
export async function ingest(
  { stream, sha1 }: OpenedBill,
  mchId: string,
  staging: Staging,
): Promise<Result<Tally, BillFault>> {
  staging.reset();
  const plain = await decompressed(stream);
  if (!plain.ok) return plain;
  const chunks = plain.value.getReader();
  const bill = new BillReader(mchId);
  // Node's hash, since it can be abandoned half-way without leaving a pending promise.
  const hash = createHash("sha1");
  // Not fatal: the merchants' texts aren't compared, and a broken number is refused as a number.
  const decoder = new TextDecoder("utf-8");
  const batch = new Batch(staging);
  let bytes = 0;
  for (;;) {
    const chunk = await next(chunks);
    if (!chunk.ok) return chunk;
    if (chunk.value === null) break;
    hash.update(chunk.value);
    bytes += chunk.value.byteLength;
    await batch.add(bill.push(decoder.decode(chunk.value, { stream: true })));
    const fault = bill.fault ?? excess(bytes, bill.tally);
    if (fault !== null) {
      await chunks.cancel();
      return err(fault);
    }
  }
  await batch.add(bill.push(decoder.decode()));
  await batch.add(bill.end());
  await batch.end();
  // Checked before the format: a bill that was corrupted on the way fails in arbitrary ways.
  if (sha1 !== null && hash.digest("hex") !== sha1) return broken("its hash differs");
  const fault = bill.fault ?? excess(bytes, bill.tally);
  return fault === null ? ok(bill.tally) : err(fault);
}

/** Detects gzip by its magic bytes: the headers of bills aren't reliable (W-57). */
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

/** The next chunk; null at the end. */
async function next(
  chunks: ReadableStreamDefaultReader<Uint8Array>,
): Promise<Result<Uint8Array | null, BillFault>> {
  try {
    const { done, value } = await chunks.read();
    return ok(done ? null : value);
  } catch (error) {
    return broken(textOf(error));
  }
}

function excess(bytes: number, { lines, unreadable, unreadableForeign }: Tally): BillFault | null {
  const reason =
    bytes > MAX_PLAIN_BYTES
      ? `more than ${MAX_PLAIN_BYTES} bytes`
      : lines > MAX_LINES
        ? `more than ${MAX_LINES} lines`
        : unreadable - unreadableForeign > MAX_UNREADABLE_LINES
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

/** Collects lines for the staging, so that many are written by one statement. */
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
