import type { CallFault } from "../ledger/fault-names.ts";
import type { StruckCall } from "../ledger/faults.ts";
import type { WireAnswer } from "./answer.ts";

// Longer than any sensible client waits.
const HANG_MS = 60_000;
const SLOW_MS = 3000;

/** Whether a call is done before it goes wrong. */
export const ACTS: Readonly<Record<CallFault, boolean>> = {
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

/** How a protocol writes what the faults of the line need to know. */
export interface Line {
  headers: Record<string, string>;
  /** How any answer begins. */
  beginning: string;
}

type Break = (line: Line, delayMs: number | undefined) => WireAnswer;

const hang: Break = (_line, delayMs = HANG_MS) => ({ effect: "hang", delayMs });
const drop: Break = (line) => ({ effect: "drop", ...line });
const crash: Break = () => ({ effect: "http-500" });

const BREAKS: Readonly<Partial<Record<CallFault, Break>>> = {
  "no-answer": hang,
  "no-answer-after": hang,
  "drop-before": drop,
  "drop-after": drop,
  "http-500": crash,
  "http-500-after": crash,
  "html-page": () => ({ effect: "html-page" }),
};

/**
 * What a fault of the line makes of any answer, whatever is in it; undefined when the fault is one
 * of the answer itself, which each protocol has in its own way.
 */
export function brokenLine({ fault, delayMs }: StruckCall, line: Line): WireAnswer | undefined {
  return BREAKS[fault]?.(line, delayMs);
}

/** How much longer than usual an answer takes, in ms. */
export function slowness({ fault, delayMs }: StruckCall): number {
  return fault === "slow" ? (delayMs ?? SLOW_MS) : 0;
}
