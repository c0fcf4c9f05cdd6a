import type { Refused, Unknown } from "./types.ts";

/**
 * The classes of WeChat's error codes, in either protocol.
 *
 * - `unknown`: the operation may have happened; repeat with the same number, or query.
 * - `later`: like `unknown`, but WeChat asks for a pause, so nothing is repeated at once.
 * - `request`, `merchant`, `gateway`: refused; the class says who has to fix it.
 */
export type ErrorClass = Refused["blame"] | "unknown" | "later";

/** WeChat's error code and message, from a trustworthy answer. */
export interface WechatError {
  readonly code: string;
  readonly message: string;
}

/** The answer for an error class that every call has. */
export function answerFor(
  errorClass: ErrorClass,
  { code, message }: WechatError,
): Refused | Unknown {
  if (errorClass === "unknown" || errorClass === "later") {
    return unknown(`${code}: ${message}`);
  }
  return { kind: "refused", code, message, blame: errorClass };
}

/** An unknown outcome with its reason. */
export function unknown(reason: string): Unknown {
  return { kind: "unknown", reason };
}

/** Looks codes up in a table, ignoring underscores: WeChat writes both NO_AUTH and NOAUTH. */
export function errorTable<C extends string>(
  table: Readonly<Record<string, C>>,
): (code: string) => C | undefined {
  const classes = new Map(
    Object.entries(table).map(([code, errorClass]) => [normalized(code), errorClass]),
  );
  return (code) => classes.get(normalized(code));
}

function normalized(code: string): string {
  return code.replaceAll("_", "");
}
