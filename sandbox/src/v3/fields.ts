import { z } from "zod";
import { parseRfc3339 } from "../protocol/time.ts";
import { err, ok, type Result } from "../result.ts";
import type { Params } from "../rules/repeat.ts";
import { apiError, type ApiError, type ErrorDetail } from "./response.ts";

// The numbers have the same format in paths and in bodies.
export const outTradeNo = z.string().regex(/^[0-9A-Za-z_\-|*]{6,32}$/, "6-32位字母数字_-|*");
export const outRefundNo = z.string().regex(/^[0-9A-Za-z_\-|*@]{1,64}$/, "1-64位字母数字_-|*@");
export const transactionId = z.string().regex(/^\d{1,32}$/, "1-32位数字");
export const mchid = z.string().regex(/^\d{1,32}$/, "1-32位数字");
export const appid = z.string().regex(/^[0-9A-Za-z]{1,32}$/, "1-32位字母数字");
export const currency = z.literal("CNY", "币种只支持CNY");
/** An amount of at least one fen. */
export const fen = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);
/** An amount that may be zero. */
export const fenOrZero = z
  .int()
  .min(0)
  .max(2 ** 31 - 1);
/** A time with an offset. */
export const rfc3339 = z
  .string()
  .max(64)
  .refine((value) => parseRfc3339(value) !== null, "不是RFC 3339格式的时间");

/**
 * Text of at most `max` bytes. WeChat doesn't publish whether it counts characters or bytes: bytes of
 * UTF-8 are the strict reading.
 */
export function text(max: number): z.ZodType<string> {
  return z
    .string()
    .min(1)
    .refine((value) => Buffer.byteLength(value, "utf8") <= max, `长度超过${max}字节`);
}

/**
 * A full https address without a query, of at most `max` characters. Plain http is allowed for this
 * machine only, where a sandbox's merchants run.
 */
export function notifyUrl(max: number): z.ZodType<string> {
  return z.string().max(max).refine(isNotifyUrl, "必须是https地址且不能携带参数");
}

function isNotifyUrl(value: string): boolean {
  if (/[\s?#]/.test(value) || !/^https?:\/\//.test(value) || !URL.canParse(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  const loopback = ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  return username === "" && password === "" && (protocol === "https:" || loopback);
}

/**
 * Flattens a JSON body into parameters, `{"amount.total": "100"}`, which a repeat of the same call
 * must not change.
 */
export function businessParams(body: object, prefix = ""): Params {
  const entries = Object.entries(body).flatMap(([name, inner]: [string, unknown]) => {
    const path = `${prefix}${name}`;
    return typeof inner === "object" && inner !== null
      ? Object.entries(businessParams(inner, `${path}.`))
      : [[path, String(inner)]];
  });
  return Object.fromEntries(entries);
}

// WeChat's number for an undocumented parameter; other invalid ones have that of PARAM_ERROR.
const UNDOCUMENTED_PARAMETER = 270924358;

/** Validates a part of a request. The error names the first invalid field, by JSON pointer. */
export function checkFields<T>(
  schema: z.ZodType<T>,
  value: unknown,
  location: "body" | "query" | "uri",
): Result<T, ApiError> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw new Error("a failed validation without an issue");
  if (issue.code === "unrecognized_keys") {
    const path = [...issue.path, issue.keys[0] ?? ""];
    const field = pointerTo(path);
    return invalid(`不支持的参数${field}`, UNDOCUMENTED_PARAMETER, {
      field,
      value: valueAt(value, path),
      issue: "parameter is not documented",
      location,
    });
  }
  const field = pointerTo(issue.path);
  const actual = valueAt(value, issue.path);
  return invalid(`参数错误${field}: ${issue.message}`, null, {
    field,
    ...(actual === undefined ? {} : { value: actual }),
    issue: issue.message,
    location,
  });
}

function invalid(
  message: string,
  number: number | null,
  detail: ErrorDetail,
): Result<never, ApiError> {
  const more = number === null ? { detail } : { number, detail };
  return err(apiError("PARAM_ERROR", message, more));
}

/** A JSON pointer (RFC 6901) as in WeChat's `detail.field`: `/amount/total`. */
function pointerTo(path: readonly PropertyKey[]): string {
  return path
    .map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === "object" && inner !== null ? Reflect.get(inner, part) : undefined,
    value,
  );
}
