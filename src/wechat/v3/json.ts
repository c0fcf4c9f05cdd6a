import * as z from "zod";
import { err, ok, type Result } from "../../lib/result.ts";

/** An amount in fen: a whole number of at least 1, not a string. */
export const fen = z.int().positive();
/** WeChat's number for a transaction or a refund. */
export const wechatNumber = z.string().min(1).max(32);
/** Only yuan are accepted; a message without a currency is in yuan. */
export const yuan = z.literal("CNY").optional();

/**
 * Reads a JSON message by a schema. Fields outside the schema are ignored, since WeChat may add some
 * at any time. On failure: a message that names the field but not its value.
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

/** Parses a time of APIv3 (RFC 3339) to Unix ms; null when it is absent or malformed. */
export function readTime(text: string | undefined): number | null {
  if (text === undefined || !RFC_3339.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}
