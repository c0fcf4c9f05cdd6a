import * as z from "zod";
import { err, ok, type Result } from "../../lib/result.ts";

/** Amounts of fen: whole numbers from 1 up, and no text that looks like one. */
export const fen = z.int().positive();
/** A number that WeChat gave a transaction or a refund. */
export const wechatNumber = z.string().min(1).max(32);
/** Only yuan are traded; a message without a currency is in yuan. */
export const yuan = z.literal("CNY").optional();

/**
 * Reads a JSON message by a schema; fields that the schema doesn't name are left out, for WeChat may
 * add some at any time. On failure: what is wrong, naming a field but never its value.
 */
export function readJson<T>(bytes: Uint8Array, schema: z.ZodType<T>): Result<T, string> {
  const json = parse(bytes);
  if (!json.ok) return json;
  const read = schema.safeParse(json.value);
  if (read.success) return ok(read.data);
  const path = read.error.issues[0]?.path.join(".") ?? "";
  return err(path === "" ? "no JSON object" : `${path} is missing or malformed`);
}

function parse(bytes: Uint8Array): Result<unknown, string> {
  try {
    return ok(JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)));
  } catch {
    // Malformed UTF-8 or malformed JSON.
    return err("no JSON");
  }
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** A time as WeChat writes it in APIv3 (RFC 3339), in Unix ms; null when it is none. */
export function readTime(text: string | undefined): number | null {
  if (text === undefined || !RFC_3339.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}
