import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Adds colours if stdout is a terminal that shows them and NO_COLOR isn't set. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

/** The maximum width of a line: the terminal's, or that of a page without a terminal. */
export function lineWidth(): number {
  return Math.min(process.stdout.columns ?? 100, 120);
}

/** Pads to a width in terminal cells; a Chinese character takes two. */
export function padCells(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - cells(text)));
}

/** As much of a text as fits, with an ellipsis where it is cut. */
export function cutCells(text: string, width: number): string {
  if (cells(text) <= width) return text;
  let cut = "";
  for (const character of text) {
    if (cells(cut + character) > width - 1) break;
    cut += character;
  }
  return `${cut}…`;
}

/** How many terminal cells a text takes. */
export function cells(text: string): number {
  return Array.from(text).reduce((sum, character) => sum + (WIDE.test(character) ? 2 : 1), 0);
}

const WIDE = /[\p{Script=Han}\u3000-\u303f\uff00-\uff60]/u;
