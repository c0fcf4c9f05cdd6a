/** 13 digits of yuan: far above any amount, far below where fen stop being exact in a number. */
const YUAN = /^(-?)(\d{1,13})(?:\.(\d{1,10}))?$/;

/**
 * An amount of a bill (`45`, `45.0`, `0.47`, `-1.20`) in fen, by its digits and never by a float.
 * Null when it isn't one, or has a part of a fen: fees have, amounts never.
 */
export function fenOfYuan(text: string): number | null {
  const match = YUAN.exec(text);
  if (match === null) return null;
  const [, minus = "", yuan = "", fraction = ""] = match;
  if (!/^0*$/.test(fraction.slice(2))) return null;
  const fen = Number(yuan) * 100 + Number(fraction.slice(0, 2).padEnd(2, "0"));
  // Without the sign, lest nothing become minus nothing.
  return minus === "" || fen === 0 ? fen : -fen;
}

/** A count as bills write it: `48`, and `45.0` too. Null when it is none. */
export function countOf(text: string): number | null {
  const match = /^(\d{1,12})(?:\.0*)?$/.exec(text);
  return match === null ? null : Number(match[1]);
}
