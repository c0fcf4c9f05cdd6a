import type { Refused, Unknown } from "./types.ts";

/**
 * What WeChat's error codes mean for the gateway, in either protocol.
 *
 * - `unknown`: it may have happened; repeat with the same number, or query.
 * - `later`: like `unknown`, but WeChat asks for a pause, so nothing is repeated at once.
 * - `request`, `merchant`, `gateway`: a final no, and who can mend it.
 */
export type ErrorClass = Refused["blame"] | "unknown" | "later";

/** An error in WeChat's own words, from an answer that can be relied upon. */
export interface WechatError {
  readonly code: string;
  readonly message: string;
}

/** A verdict that holds for every call as an answer. */
export function answerFor(verdict: ErrorClass, { code, message }: WechatError): Refused | Unknown {
  if (verdict === "unknown" || verdict === "later") {
    return unknown(`${code}: ${message}`);
  }
  return { kind: "refused", code, message, blame: verdict };
}

/** An answer that settles nothing, and why. */
export function unknown(reason: string): Unknown {
  return { kind: "unknown", reason };
}

/** The lookup of a closed table, blind to underscores: WeChat writes NO_AUTH and NOAUTH alike. */
export function errorTable<V extends string>(
  table: Readonly<Record<string, V>>,
): (code: string) => V | undefined {
  const verdicts = new Map(Object.entries(table).map(([code, v]) => [spelling(code), v]));
  return (code) => verdicts.get(spelling(code));
}

function spelling(code: string): string {
  return code.replaceAll("_", "");
}
