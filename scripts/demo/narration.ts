import { cells, cutCells, lineWidth, padCells, paint } from "../../testkit/terminal.ts";

const INDENT = "   ";
const NAME_WIDTH = 18;

/** Something that the story promised did not hold. */
export class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
}

type Party = "operator" | "app" | "gateway" | "WeChat" | "payer";

const PARTY_COLOURS = {
  operator: "magenta",
  app: "cyan",
  gateway: "yellow",
  WeChat: "green",
  payer: "blue",
} as const satisfies Record<Party, string>;

let chapters = 0;

/** Begins a chapter. */
export function chapter(title: string): void {
  chapters += 1;
  console.log(`\n${paint(["bold", "inverse"], ` ${chapters} `)} ${paint("bold", title)}`);
}

/** Somebody sends something: an arrow, what it is, and its content. */
export function says(from: Party, to: Party, what: string, content: object = {}): void {
  const parties = `${paint(["bold", PARTY_COLOURS[from]], from)} ${paint("dim", "──▶")} ${paint(
    ["bold", PARTY_COLOURS[to]],
    to,
  )}`;
  // By the bare words: colour codes take no room.
  const room = " ".repeat(Math.max(1, 22 - `${from} --> ${to}`.length));
  console.log(`${INDENT}${parties}${room}${what}`);
  show(content);
}

/** Names and values, one a line; those too long for the line are cut. */
export function show(content: object): void {
  for (const [name, value] of Object.entries(content)) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    console.log(
      `${INDENT}  ${paint("dim", "│")} ${paint("dim", padCells(name, NAME_WIDTH))} ${cutCells(
        text,
        lineWidth() - INDENT.length - NAME_WIDTH - 5,
      )}`,
    );
  }
}

/** Checks a promise and says that it holds. Throws where it doesn't. */
export function holds(promise: string, actual: unknown, expected: unknown = true): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new BrokenPromise(`${promise}: expected ${right}, found ${left}`);
  console.log(`${INDENT}${paint(["bold", "green"], "✓")} ${promise}`);
}

/** A remark for the reader. */
export function remark(text: string): void {
  console.log(`${INDENT}${paint("dim", text)}`);
}

/** Rows of name, value and meaning. */
export function table(rows: readonly (readonly [string, string, string])[]): void {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => cells(row[column] ?? ""))));
  for (const [name, value, meaning] of rows) {
    console.log(
      `${INDENT}  ${paint("dim", padCells(name, widths[0] ?? 0))}  ${paint(
        "bold",
        padCells(value, widths[1] ?? 0),
      )}  ${paint("dim", meaning)}`,
    );
  }
}
