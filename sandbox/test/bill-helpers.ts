import { gunzipSync } from "node:zlib";
import { expect } from "vitest";
import { writeXml } from "../src/v2/xml.ts";
import { common, control, fieldsOf, send, signed, type Params } from "./helpers.ts";

/** The day on which the tests' clock stands still, in Beijing. */
export const TODAY = "21000101";
export const DAY_MS = 24 * 3_600_000;

/** A bill as a merchant reads it. */
export interface ReadBill {
  columns: string[];
  /** By column. */
  rows: Params[];
  summary: Params;
}

/** Asks for a bill in APIv2. */
export async function askForBill(changes: Params = {}): Promise<Response> {
  const params = common({ bill_date: TODAY, bill_type: "ALL", ...changes });
  return await send("/pay/downloadbill", writeXml(Object.entries(signed(params))));
}

/** The text of a bill in APIv2, its byte order mark included. */
export async function billText(changes: Params = {}): Promise<string> {
  const response = await askForBill(changes);
  expect(response.status).toBe(200);
  const bytes = new Uint8Array(await response.arrayBuffer());
  return textOf(bytes, changes["tar_type"] === "GZIP");
}

/** The text of a bill's file. */
export function textOf(file: Uint8Array, gzip: boolean): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
    gzip ? gunzipSync(file) : file,
  );
}

/** Reads a bill as the documentation says: by names, each field after a backtick. */
export function readBill(text: string): ReadBill {
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => line !== "");
  const columns = lines[0]?.split(",") ?? [];
  const summaryNames = lines.at(-2)?.split(",") ?? [];
  expect(summaryNames[0]).toBe("总交易单数");
  return {
    columns,
    rows: lines.slice(1, -2).map((line) => byName(columns, line)),
    summary: byName(summaryNames, lines.at(-1) ?? ""),
  };
}

/** Asks for a bill in APIv2 and reads it. */
export async function bill(changes: Params = {}): Promise<ReadBill> {
  return readBill(await billText(changes));
}

/** Asks for a bill in APIv2 that there is not: what is said of it. */
export async function noBill(changes: Params = {}): Promise<Params> {
  const response = await askForBill(changes);
  expect(response.status).toBe(200);
  return fieldsOf(await response.text());
}

export async function change(settings: object): Promise<void> {
  expect((await control("PATCH", "/settings", settings)).status).toBe(200);
}

export async function armBill(fault: string, more: object = {}): Promise<void> {
  const { status } = await control("POST", "/faults", { on: "bill", fault, ...more });
  expect(status).toBe(201);
}

/** The numbers of orders and refunds that a bill tells, in its order. */
export function numbersIn({ rows }: ReadBill): string[] {
  return rows.map((row) =>
    row["交易状态"] === "REFUND" ? (row["商户退款单号"] ?? "") : (row["商户订单号"] ?? ""),
  );
}

function byName(columns: string[], line: string): Params {
  expect(line.startsWith("`")).toBe(true);
  const values = line.slice(1).split(",`");
  expect(values).toHaveLength(columns.length);
  return Object.fromEntries(columns.map((name, index) => [name, values[index] ?? ""]));
}
