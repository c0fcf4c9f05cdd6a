import { gunzipSync } from "node:zlib";
import { expect } from "vitest";
import { writeXml } from "../src/v2/xml.ts";
import { commonParams, control, fieldsOf, send, signed, type Params } from "./helpers.ts";

/** The day of the stopped clock, in Beijing time. */
export const TODAY = "21000101";
export const DAY_MS = 24 * 3_600_000;

/** A parsed bill. */
export interface ParsedBill {
  columns: string[];
  /** Values by column. */
  rows: Params[];
  summary: Params;
}

/** Requests a bill in APIv2. */
export async function requestBill(changes: Params = {}): Promise<Response> {
  const params = commonParams({ bill_date: TODAY, bill_type: "ALL", ...changes });
  return await send("/pay/downloadbill", writeXml(Object.entries(signed(params))));
}

/** The text of a bill in APIv2, with its byte order mark. */
export async function billText(changes: Params = {}): Promise<string> {
  const response = await requestBill(changes);
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

/** Parses a bill as documented: by column names, with a backtick before each field. */
export function parseBill(text: string): ParsedBill {
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => line !== "");
  const columns = lines[0]?.split(",") ?? [];
  const summaryNames = lines.at(-2)?.split(",") ?? [];
  expect(summaryNames[0]).toBe("总交易单数");
  return {
    columns,
    rows: lines.slice(1, -2).map((line) => toParams(columns, line)),
    summary: toParams(summaryNames, lines.at(-1) ?? ""),
  };
}

/** Requests a bill in APIv2 and parses it. */
export async function fetchBill(changes: Params = {}): Promise<ParsedBill> {
  return parseBill(await billText(changes));
}

/** Requests a bill in APIv2 that is not available, and returns the fields of the failure. */
export async function fetchBillFailure(changes: Params = {}): Promise<Params> {
  const response = await requestBill(changes);
  expect(response.status).toBe(200);
  return fieldsOf(await response.text());
}

/** Changes the settings of the sandbox. */
export async function changeSettings(settings: object): Promise<void> {
  expect((await control("PATCH", "/settings", settings)).status).toBe(200);
}

/** Arms a fault of a bill. */
export async function armBillFault(fault: string, more: object = {}): Promise<void> {
  const { status } = await control("POST", "/faults", { on: "bill", fault, ...more });
  expect(status).toBe(201);
}

/** The numbers of the orders and refunds of a bill, in its order. */
export function numbersIn({ rows }: ParsedBill): string[] {
  return rows.map((row) =>
    row["交易状态"] === "REFUND" ? (row["商户退款单号"] ?? "") : (row["商户订单号"] ?? ""),
  );
}

function toParams(columns: string[], line: string): Params {
  expect(line.startsWith("`")).toBe(true);
  const values = line.slice(1).split(",`");
  expect(values).toHaveLength(columns.length);
  return Object.fromEntries(columns.map((name, index) => [name, values[index] ?? ""]));
}
