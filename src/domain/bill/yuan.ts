/** 13 digits of yuan: far above any amount, and still exact in fen as a number. */
const YUAN = /^(-?)(\d{1,13})(?:\.(\d{1,10}))?$/;

/**
 * Converts an amount in a bill (`45`, `45.0`, `0.47`, `-1.20`) to fen, without floating-point
 * arithmetic. Null for any other text, and for a fraction of a fen: fees have one, amounts never.
 */
export function fenOfYuan(text: string): number | null {
  const match = YUAN.exec(text);
  if (match === null) return null;
  const [, minus = "", yuan = "", fraction = ""] = match;
  if (!/^0*$/.test(fraction.slice(2))) return null;
  const fen = Number(yuan) * 100 + Number(fraction.slice(0, 2).padEnd(2, "0"));
  // Zero without the sign: -0 is a different number to Object.is.
  return minus === "" || fen === 0 ? fen : -fen;
}

/** A count as bills write it: `48` or `45.0`. Null for any other text. */
export function countOf(text: string): number | null {
  const match = /^(\d{1,12})(?:\.0*)?$/.exec(text);
  return match === null ? null : Number(match[1]);
}
