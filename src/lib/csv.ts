/**
 * CSV for spreadsheets (RFC 4180, UTF-8). Excel and WPS show it as it is: they take the byte order
 * mark for UTF-8, and a cell with a leading tab for text.
 */

/** Marks the file as UTF-8: without it Excel reads Chinese in the system's code page. */
const BYTE_ORDER_MARK = "\uFEFF";

/** A cell: a number or a text that the exporter has written itself, or one made by `textCell`. */
export type Cell = string | number | null;

/**
 * A beginning that a spreadsheet takes for a formula, full-width signs included; blanks before it
 * are skipped by some.
 */
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/;

/**
 * Text that a spreadsheet would change. It keeps 15 digits of a number and no zeros before it, and
 * takes `1-2` for a date.
 */
const NUMERIC = /^\s*[\d.][\d\s.,:/%e+-]*$/i;

/**
 * A text from outside (an app's, a payer's, WeChat's) as a cell: a formula gets an apostrophe in
 * front of it, and what looks like a number a tab, so that both stay the text that they are.
 */
export function textCell(text: string | null): string | null {
  if (text === null) return null;
  if (FORMULA.test(text)) return `'${text}`;
  return NUMERIC.test(text) ? `\t${text}` : text;
}

/** A number by which something is identified, always as text: digits only, or hex like `12e45`. */
export function identifierCell(identifier: string | null): string | null {
  return identifier === null || FORMULA.test(identifier) ? textCell(identifier) : `\t${identifier}`;
}

/** The beginning of a file: the byte order mark and the columns' names. */
export function csvHead(names: readonly string[]): string {
  return BYTE_ORDER_MARK + csvLine(names);
}

/** One line, with its line break. An absent value is an empty cell. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(quoted).join(",")}\r\n`;
}

function quoted(cell: Cell): string {
  const text = cell === null ? "" : String(cell);
  return /[",\r\n\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
