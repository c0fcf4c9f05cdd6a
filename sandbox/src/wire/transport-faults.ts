import type { CallFault } from "../ledger/fault-names.ts";
import type { AppliedCallFault } from "../ledger/faults.ts";
import type { WireResponse } from "./response.ts";

// Longer than the timeout of any sensible client.
const HANG_MS = 60_000;
const SLOW_MS = 3000;

/** Whether a call is executed although the fault applies to it. */
export const EXECUTES_CALL: Readonly<Record<CallFault, boolean>> = {
  "no-answer": false,
  "no-answer-after": true,
  "drop-before": false,
  "drop-after": true,
  "http-500": false,
  "http-500-after": true,
  systemerror: false,
  "systemerror-after": true,
  "wrong-signature": true,
  unsigned: true,
  "html-page": false,
  slow: true,
  refuse: false,
  "wrong-amount": true,
  "wrong-merchant": true,
  "wrong-app": true,
  probe: true,
  "wrong-clock": true,
  "unknown-serial": true,
  "other-body": true,
  "missing-header": true,
};

/** The part of a response that a broken connection still delivers. */
export interface ResponseStart {
  readonly headers: Readonly<Record<string, string>>;
  readonly beginning: string;
}

type Effect = (start: ResponseStart, delayMs: number | undefined) => WireResponse;

const hang: Effect = (_start, delayMs = HANG_MS) => ({ effect: "hang", delayMs });
const drop: Effect = (start) => ({ effect: "drop", ...start });
const crash: Effect = () => ({ effect: "http-500" });

const EFFECTS: Readonly<Partial<Record<CallFault, Effect>>> = {
  "no-answer": hang,
  "no-answer-after": hang,
  "drop-before": drop,
  "drop-after": drop,
  "http-500": crash,
  "http-500-after": crash,
  "html-page": () => ({ effect: "html-page" }),
};

/**
 * The effect of a fault of the connection or the HTTP layer, which replaces any response. Null when
 * the fault alters the response instead, which depends on the protocol.
 */
export function transportFault(
  { fault, delayMs }: AppliedCallFault,
  start: ResponseStart,
): WireResponse | null {
  return EFFECTS[fault]?.(start, delayMs) ?? null;
}

/** How long a fault delays the response, in ms. */
export function delayOf({ fault, delayMs }: AppliedCallFault): number {
  return fault === "slow" ? (delayMs ?? SLOW_MS) : 0;
}
