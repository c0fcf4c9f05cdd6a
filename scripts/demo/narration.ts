import { cells, cutCells, lineWidth, padCells, paint } from "../../testkit/terminal.ts";

const INDENT = "   ";
const NAME_WIDTH = 18;

/** A check of the demo failed. */
export class CheckFailed extends Error {
  override readonly name = "CheckFailed";
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

/** Prints a numbered heading. */
export function chapter(title: string): void {
  chapters += 1;
  console.log(`\n${paint(["bold", "inverse"], ` ${chapters} `)} ${paint("bold", title)}`);
}

/** Prints a message: an arrow from its sender to its recipient, its name and its content. */
export function message(from: Party, to: Party, what: string, content: object = {}): void {
  const parties = `${paint(["bold", PARTY_COLOURS[from]], from)} ${paint("dim", "──▶")} ${paint(
    ["bold", PARTY_COLOURS[to]],
    to,
  )}`;
  // From the plain text: colour codes take no room.
  const room = " ".repeat(Math.max(1, 22 - `${from} --> ${to}`.length));
  console.log(`${INDENT}${parties}${room}${what}`);
  show(content);
}

/** Prints names and values, one per line; values that are too long are cut. */
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

/** Checks a statement and prints it. Throws `CheckFailed` if it doesn't hold. */
export function check(statement: string, actual: unknown, expected: unknown = true): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new CheckFailed(`${statement}: expected ${right}, found ${left}`);
  console.log(`${INDENT}${paint(["bold", "green"], "✓")} ${statement}`);
}

/** Prints a remark for the reader. */
export function remark(text: string): void {
  console.log(`${INDENT}${paint("dim", text)}`);
}

/** Prints rows of name, value and meaning. */
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
