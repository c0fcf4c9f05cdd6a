/** 15 digits: far above any amount, and exact as a number. */
const WHOLE_NUMBER = /^(?:0|[1-9]\d{0,14})$/;

/** An amount of at least 1 fen, written as a plain decimal integer; else null. */
export function readFen(text: string | undefined): number | null {
  const fen = readCount(text);
  return fen === null || fen < 1 ? null : fen;
}

/** A plain decimal integer that isn't negative; else null. */
export function readCount(text: string | undefined): number | null {
  return text === undefined || !WHOLE_NUMBER.test(text) ? null : Number(text);
}

/** Only yuan are accepted; a report without a currency is in yuan (W-22). */
export function isYuan(feeType: string | undefined): boolean {
  return feeType === undefined || feeType === "" || feeType === "CNY";
}
