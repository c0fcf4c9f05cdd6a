/**
 * The promises that the histories check: invariants of docs/architecture.md by their numbers, and
 * two promises that have none.
 */
export const INVARIANTS = {
  I1: "live refunds of an order never exceed what was paid",
  I2: "WeChat never sees two out_refund_no for one refund request",
  I3: "an acknowledged notification is in D1",
  I4: "paid never becomes unpaid, and the same facts lead to the same state in any order of arrival",
  I5: "the app of a paid order is called until it confirms or the schedule ends, and every call is counted",
  I6: "an unknown outcome is never reported as a failure",
  I7: "an app never sees or changes another app's order, and can't tell it from an absent one",
  I9: "no secret leaves the gateway",
  I10: "nothing unverified changes a row",
  I11: "no state leaves an amount that WeChat would pay back out of reach",
  contract: "the endpoints answer as the contract says",
  completion: "every order, refund and timer reaches its end",
} as const;

export type Invariant = keyof typeof INVARIANTS;

/** Fails the history unless `holds`. `violation` says what contradicts the invariant. */
export function assertInvariant(holds: boolean, invariant: Invariant, violation: string): void {
  if (!holds) throw new Error(`${invariant} broken: ${violation} (${INVARIANTS[invariant]})`);
}
