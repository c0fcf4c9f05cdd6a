/** The parts of a Markdown file that the checks look at. Lines count from 1. */
export interface Document {
  readonly path: string;
  readonly lineCount: number;
  readonly headings: readonly Heading[];
  readonly tables: readonly Table[];
  readonly codeBlocks: readonly CodeBlock[];
  /** The lines outside code blocks, with inline code blanked out: links are looked for here. */
  readonly prose: readonly Line[];
  /** Every line, code blocks included. */
  readonly lines: readonly Line[];
}

export interface Heading {
  readonly level: number;
  readonly text: string;
  readonly line: number;
}

export interface Table {
  /** Its first row's. */
  readonly line: number;
  readonly rows: readonly Row[];
}

export interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

export interface CodeBlock {
  /** The opening fence's. */
  readonly line: number;
  /** The language named by the fence, then the lines between the fences, indentation removed. */
  readonly text: string;
}

export interface Line {
  readonly line: number;
  readonly text: string;
}

const FENCE = /^(\s*)(`{3,}|~{3,})(.*)$/;
const HEADING = /^(#{1,6})\s+(.*?)(?:\s+#+)?\s*$/;
const INLINE_CODE = /(`+)[^`](?:.*?[^`])?\1(?!`)/g;

/** Reads a Markdown file: fenced code, ATX headings and GFM tables, which is all that the project uses. */
export function readMarkdown(path: string, content: string): Document {
  const lines = content.split("\n").map((text, index) => ({ line: index + 1, text }));
  const codeBlocks: CodeBlock[] = [];
  const outside: Line[] = [];
  let fence: { readonly mark: string; readonly indent: string; readonly line: number } | null =
    null;
  let code: string[] = [];
  for (const { line, text } of lines) {
    const [, indent = "", mark = "", info = ""] = FENCE.exec(text) ?? [];
    if (fence === null) {
      if (mark === "") {
        outside.push({ line, text });
        continue;
      }
      fence = { mark, indent, line };
      code = [info.trim()];
    } else if (mark.startsWith(fence.mark) && info.trim() === "") {
      codeBlocks.push({ line: fence.line, text: code.join("\n") });
      fence = null;
    } else {
      code.push(text.startsWith(fence.indent) ? text.slice(fence.indent.length) : text);
    }
  }
  // A fence that is never closed makes the rest of the file code.
  if (fence !== null) codeBlocks.push({ line: fence.line, text: code.join("\n") });
  return {
    path,
    lineCount: content.replace(/\n$/, "").split("\n").length,
    headings: outside.flatMap(headingOf),
    tables: tablesIn(outside),
    codeBlocks,
    prose: outside.map(({ line, text }) => ({ line, text: text.replaceAll(INLINE_CODE, "") })),
    lines,
  };
}

function headingOf({ line, text }: Line): Heading[] {
  const [, hashes, title] = HEADING.exec(text) ?? [];
  return hashes === undefined || title === undefined
    ? []
    : [{ level: hashes.length, text: title, line }];
}

/** A table is a run of lines that begin with a bar; the row of dashes isn't counted. */
function tablesIn(lines: readonly Line[]): Table[] {
  const tables: { line: number; rows: Row[] }[] = [];
  let last: number | null = null;
  for (const { line, text } of lines) {
    if (!text.trimStart().startsWith("|")) continue;
    if (last === null || line !== last + 1) tables.push({ line, rows: [] });
    last = line;
    const cells = cellsOf(text);
    if (cells.every((cell) => /^:?-+:?$/.test(cell))) continue;
    tables.at(-1)?.rows.push({ line, cells });
  }
  return tables;
}

function cellsOf(row: string): string[] {
  const inner = row.trim().replace(/^\|/, "").replace(/\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim());
}

/** The fragment by which GitHub links to a heading: letters, digits, `-` and `_`, lower case. */
export function anchorsIn({ headings }: Pick<Document, "headings">): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const { text } of headings) {
    const visible = text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
    const slug = visible
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "")
      .replaceAll(" ", "-");
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    anchors.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}
