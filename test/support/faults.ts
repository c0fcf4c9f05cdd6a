/** A fault of one call to WeChat. */
export type Fault = {
  /** Whether WeChat carries out the request before the fault. */
  readonly acts: boolean;
  /** Holds the call: before WeChat acts, or (with `acts`) between its act and its answer. */
  readonly gate?: Promise<unknown>;
} & (
  | { readonly how: "honest" | "reject" | "http 500" | "wrong signature" }
  | { readonly how: "error"; readonly code: string; readonly message?: string }
  | { readonly how: "fail"; readonly message: string }
);

/** WeChat acts at once and answers when `opened` resolves. */
export function lateAnswer(opened: Promise<unknown>): Fault {
  return { acts: true, how: "honest", gate: opened };
}

/** WeChat refuses with this error code and does nothing. */
export function wechatError(code: string, message?: string): Fault {
  return { acts: false, how: "error", code, ...(message === undefined ? {} : { message }) };
}

/** Every fault that leaves a call's outcome unknown: before WeChat acts, and after. */
export const UNKNOWNS: readonly (readonly [name: string, fault: Fault])[] = [
  ["a connection lost before WeChat acts", { acts: false, how: "reject" }],
  ["a connection lost after WeChat acts", { acts: true, how: "reject" }],
  ["HTTP 500 before WeChat acts", { acts: false, how: "http 500" }],
  ["HTTP 500 after WeChat acts", { acts: true, how: "http 500" }],
  ["a wrongly signed answer", { acts: true, how: "wrong signature" }],
  ["SYSTEMERROR before WeChat acts", { acts: false, how: "error", code: "SYSTEMERROR" }],
  ["SYSTEMERROR after WeChat acts", { acts: true, how: "error", code: "SYSTEMERROR" }],
];

/** One of them, for tests to which the kind doesn't matter: WeChat did not act. */
export const UNKNOWN: Fault = { acts: false, how: "http 500" };
/** The same, but WeChat acted. */
export const UNKNOWN_BUT_DONE: Fault = { acts: true, how: "http 500" };
