import type { Context } from "hono";
import { sizeOf, type IdPage, type PageRequest, type Whereabouts } from "../db/id-range.ts";
import { beijingTimeOf } from "../domain/beijing-time.ts";
import type { GatewayEnv } from "../env.ts";
import { csvHead, csvLine, type Cell } from "../lib/csv.ts";
import { describe, log } from "../observability/log.ts";
import { refuse, validationFailed, type AdminError } from "./errors.ts";

/** Rows that one trip of an export reads, at most: D1 serves payments between two trips. */
export const ROWS_PER_TRIP = 500;

/**
 * Rows that an export looks at, at most. With `ROWS_PER_TRIP` it stays below the 1,000 queries that
 * D1 allows a request.
 */
export const MAX_EXPORTED_ROWS = 400_000;

/** A column of an export: its name, and its cell in a row. */
export type Column<T> = readonly [name: string, cell: (row: T) => Cell];

/** A time as an export shows it, in Beijing; empty when there is none. */
export function timeCell(at: number | null): string | null {
  return at === null ? null : beijingTimeOf(at);
}

/** 400: the list is too long for what the parameter asks; `limit` with its unit. */
export function tooMany(
  path: string,
  limit: string,
  remedy = "narrow createdFrom and createdBefore",
): AdminError {
  const message = `more than ${limit} would have to be looked at: ${remedy}`;
  return validationFailed({ path, message });
}

/** A list that can be exported. */
export interface ExportedList<T> {
  readonly name: "orders" | "refunds" | "reconciliations";
  readonly columns: readonly Column<T>[];
  /** The parameter that makes the list shorter, what its rows are called, and what to do with it. */
  readonly narrowing: readonly [path: string, rows: string, remedy?: string];
}

/**
 * Responds with a list as CSV, page after page, so that nothing is held in memory, or refuses one of
 * too many rows. When D1 fails before the first page, that throws; later the response breaks off,
 * which the client's HTTP reports.
 *
 * @param found where the rows are
 */
export async function exportCsv<T>(
  c: Context<GatewayEnv>,
  { name, columns, narrowing: [path, rows, remedy] }: ExportedList<T>,
  found: Whereabouts,
  readRows: (page: PageRequest) => Promise<IdPage<T>>,
): Promise<Response> {
  if (sizeOf(found) > MAX_EXPORTED_ROWS) {
    return refuse(c, tooMany(path, `${MAX_EXPORTED_ROWS} ${rows}`, remedy));
  }
  const readPage = async (beforeId: number): Promise<IdPage<T>> =>
    await readRows({ beforeId, limit: ROWS_PER_TRIP });
  const first = await readPage(Number.MAX_SAFE_INTEGER);
  const chunks = chunksOf(c, name, columns, first, readPage);
  return c.body(streamOf(chunks), 200, {
    "Content-Type": "text/csv; charset=utf-8",
    "Content-Disposition": `attachment; filename="${name}.csv"`,
  });
}

async function* chunksOf<T>(
  c: Context<GatewayEnv>,
  list: string,
  columns: readonly Column<T>[],
  first: IdPage<T>,
  readPage: (beforeId: number) => Promise<IdPage<T>>,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  const facts = { requestId: c.get("requestId"), list };
  let rows = 0;
  let outcome = "cancelled";
  try {
    yield encoder.encode(csvHead(columns.map(([name]) => name)));
    let page: IdPage<T> | null = first;
    while (page !== null) {
      rows += page.items.length;
      const lines = page.items.map((row) => csvLine(columns.map(([, cell]) => cell(row))));
      if (lines.length > 0) yield encoder.encode(lines.join(""));
      page = page.nextCursor === null ? null : await readPage(page.nextCursor);
    }
    outcome = "done";
  } catch (error) {
    outcome = "failed";
    log("error", "export_failed", { ...facts, rows, error: describe(error) });
    throw error;
  } finally {
    log("info", "export", { ...facts, rows, outcome, ...c.get("meter").usage });
  }
}

/** Reads a chunk when the client has taken the one before. */
function streamOf(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const next = await chunks.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      cancel: async () => {
        await chunks.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}
