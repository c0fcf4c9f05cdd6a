/** An amount of at least 0 fen in yuan with two decimals, without floating-point arithmetic: `0.05`. */
export function yuanOf(fen: number): string {
  const cents = fen % 100;
  return `${(fen - cents) / 100}.${String(cents).padStart(2, "0")}`;
}
