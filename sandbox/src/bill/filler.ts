import type { BilledOrder } from "./lines.ts";
import type { BillDay } from "./day.ts";

/** How many lines are in one piece of a bill. */
export const LINES_A_PIECE = 1000;

const NUMBER = "{number}";
const DIGITS = 10;

/**
 * Trades that nobody made, all alike but for their numbers, which make a bill as large as one likes.
 * They are written when they are read and stored nowhere.
 */
export interface Filler {
  count: number;
  /** One line with its break, in which `{number}` stands for the ten digits that differ. */
  line: string;
}

/** What a filling trade is like: one fen, paid at noon. */
export function fillingOrder(
  mchId: string,
  appId: string,
  { date, from, to }: BillDay,
): BilledOrder {
  return {
    mchId,
    appId,
    outTradeNo: `FILLER${date}${NUMBER}`,
    transactionId: `4200000000${date}${NUMBER}`,
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

/** How many pieces the filling lines are. */
export function fillerPieces({ count }: Filler): number {
  return Math.ceil(count / LINES_A_PIECE);
}

/** One piece of the filling lines, counted from 0. */
export function fillerPiece({ count, line }: Filler, piece: number): string {
  const first = piece * LINES_A_PIECE;
  const parts = line.split(NUMBER);
  const lines = Array.from({ length: Math.min(LINES_A_PIECE, count - first) }, (_, index) =>
    parts.join(String(first + index).padStart(DIGITS, "0")),
  );
  return lines.join("");
}
