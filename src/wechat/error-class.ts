import type { RefundRefused, Refused, Unknown } from "./types.ts";

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

/** Codes of a refused refund that say why; the same words in both protocols (W-43, W-88). */
const causeOfCode = errorTable<RefundRefused["cause"]>({
  NOT_ENOUGH: "balance",
  // Several faults share these. Taking another one for this costs a query.
  ERROR: "amount",
  INVALID_REQUEST: "amount",
});

/** Adds the cause to a refused refund. */
export function withRefundCause(answer: Refused | Unknown): RefundRefused | Unknown {
  if (answer.kind === "unknown") return answer;
  const { code, message } = answer;
  return { ...answer, cause: causeOfCode(code) ?? causeOfText(message) };
}

function causeOfText(message: string): RefundRefused["cause"] {
  if (/余额不足|资金不足/.test(message)) return "balance";
  return /可退|全额退款|退款金额/.test(message) ? "amount" : "other";
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
