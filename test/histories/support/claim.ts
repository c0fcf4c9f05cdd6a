/** One of the invariants of the design, by its number there; "answer" for the contract's promises. */
export type Invariant = "1" | "2" | "3" | "4" | "5" | "6" | "7" | "9" | "10" | "answer" | "end";

/** Fails the history unless it is so. */
export function claim(isSo: boolean, invariant: Invariant, otherwise: string): void {
  if (!isSo) throw new Error(`Invariant ${invariant}: ${otherwise}`);
}
