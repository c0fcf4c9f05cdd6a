import type { BilledOrder } from "./lines.ts";
import type { BillDay } from "./day.ts";

/** The number of lines in one piece of a bill. */
export const LINES_PER_PIECE = 1000;

const PLACEHOLDER = "{number}";
const DIGITS = 10;

/**
 * Invented payments that make a bill arbitrarily large. They differ in their numbers only, and are
 * generated when the bill is read instead of being stored.
 */
export interface Filler {
  readonly count: number;
  /** One line with its line break; `{number}` is the placeholder of the ten digits that differ. */
  readonly line: string;
}

/** The template of an invented payment: one fen, paid at noon. */
export function fillerOrder(
  mchId: string,
  appId: string,
  { date, from, to }: BillDay,
): BilledOrder {
  return {
    mchId,
    appId,
    outTradeNo: `FILLER${date}${PLACEHOLDER}`,
    transactionId: `4200000000${date}${PLACEHOLDER}`,
    totalFee: 1,
    paidAt: from + (to - from) / 2,
    terms: {
      description: "A trade that fills the bill",
      openid: "oFiller00000000000000000000",
      notifyUrl: "",
      attach: null,
      deviceInfo: null,
    },
  };
}

/** The number of pieces of the filler lines. */
export function fillerPieces({ count }: Filler): number {
  return Math.ceil(count / LINES_PER_PIECE);
}

/** One piece of the filler lines, numbered from 0. */
export function fillerPiece({ count, line }: Filler, piece: number): string {
  const first = piece * LINES_PER_PIECE;
  const parts = line.split(PLACEHOLDER);
  const lines = Array.from({ length: Math.min(LINES_PER_PIECE, count - first) }, (_, index) =>
    parts.join(String(first + index).padStart(DIGITS, "0")),
  );
  return lines.join("");
}
