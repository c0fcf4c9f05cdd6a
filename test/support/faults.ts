/** What goes wrong with one call to WeChat. */
export type Fault = {
  /** Whether WeChat did what it was asked before it went wrong. */
  readonly acts: boolean;
  /** Held before WeChat acts, or between its act and its answer. */
  readonly gate?: Promise<unknown>;
} & (
  | { readonly how: "honest" | "reject" | "http 500" | "wrong signature" }
  | { readonly how: "error"; readonly code: string; readonly message?: string }
  | { readonly how: "fail"; readonly message: string }
);

/** A late answer: WeChat has acted, and answers when the gate opens. */
export function late(passed: Promise<unknown>): Fault {
  return { acts: true, how: "honest", gate: passed };
}

/** WeChat says no, and does nothing. */
export function error(code: string, message?: string): Fault {
  return { acts: false, how: "error", code, ...(message === undefined ? {} : { message }) };
}

/** Every way in which nothing can be known of a call: before WeChat acts, and after. */
export const UNKNOWNS: readonly (readonly [name: string, fault: Fault])[] = [
  ["a connection lost before WeChat acts", { acts: false, how: "reject" }],
  ["a connection lost after WeChat acts", { acts: true, how: "reject" }],
  ["HTTP 500 before WeChat acts", { acts: false, how: "http 500" }],
  ["HTTP 500 after WeChat acts", { acts: true, how: "http 500" }],
  ["a wrongly signed answer", { acts: true, how: "wrong signature" }],
  ["SYSTEMERROR before WeChat acts", { acts: false, how: "error", code: "SYSTEMERROR" }],
  ["SYSTEMERROR after WeChat acts", { acts: true, how: "error", code: "SYSTEMERROR" }],
];

/** An answer that settles nothing, for tests that don't mind which. */
export const UNKNOWN: Fault = { acts: false, how: "http 500" };
/** The same, though WeChat did what it was asked. */
export const UNKNOWN_BUT_DONE: Fault = { acts: true, how: "http 500" };
