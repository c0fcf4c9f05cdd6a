import { anchorsIn, type CodeBlock, type Document, type Table } from "./markdown.ts";

/** Something to correct in a file. */
export interface Fault {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** UTF-16 units. A longer cell makes the whole column unreadable in a terminal and on a phone. */
const MAX_CELL_LENGTH = 80;
/** The front page is read whole; everything else has a page of its own. */
const MAX_README_LINES = 150;

/** Compares a page with its translation. A fault is reported in the translation. */
export function compareTwins(page: Document, twin: Document): Fault[] {
  return [
    ...compareHeadings(page, twin),
    ...compareTables(page, twin),
    ...compareCodeBlocks(page, twin),
  ];
}

/** Reports the first heading that differs: the ones after it are shifted. */
function compareHeadings(page: Document, twin: Document): Fault[] {
  const count = Math.max(page.headings.length, twin.headings.length);
  for (let index = 0; index < count; index += 1) {
    const original = page.headings[index];
    const translated = twin.headings[index];
    if (original?.level === translated?.level) continue;
    const expected =
      original === undefined
        ? `${page.path} has no heading here`
        : `${page.path}:${original.line} has a heading of level ${original.level}`;
    const found =
      translated === undefined ? "no heading is left" : `a heading of level ${translated.level}`;
    return [faultIn(twin, translated?.line ?? twin.lineCount, `${found}; ${expected}`)];
  }
  return [];
}

function compareTables(page: Document, twin: Document): Fault[] {
  return pairs(page.tables, twin.tables).flatMap(([original, translated]) => {
    const expected = rowCount(original);
    const found = rowCount(translated);
    if (expected === found) return [];
    const where = original === undefined ? page.path : `${page.path}:${original.line}`;
    return [
      faultIn(
        twin,
        translated?.line ?? twin.lineCount,
        `a table of ${found} rows; ${where} has ${expected}`,
      ),
    ];
  });
}

function rowCount(table: Table | undefined): number {
  return table?.rows.length ?? 0;
}

function compareCodeBlocks(page: Document, twin: Document): Fault[] {
  return pairs(page.codeBlocks, twin.codeBlocks).flatMap(([original, translated]) => {
    if (original?.text === translated?.text) return [];
    if (original === undefined || translated === undefined) {
      const where = original === undefined ? page.path : `${page.path}:${original.line}`;
      const message =
        original === undefined
          ? `a code block that ${where} lacks`
          : `lacks a code block: ${where}`;
      return [faultIn(twin, translated?.line ?? twin.lineCount, message)];
    }
    const offset = firstDifference(original, translated);
    const message = `a code block that differs from ${page.path}:${original.line + offset}`;
    return [faultIn(twin, translated.line + offset, message)];
  });
}

/** Lines from the fence to the first one that differs. */
function firstDifference(left: CodeBlock, right: CodeBlock): number {
  const theirs = right.text.split("\n");
  const differing = left.text.split("\n").findIndex((line, index) => line !== theirs[index]);
  return differing < 0 ? left.text.split("\n").length : differing;
}

function pairs<T>(
  left: readonly T[],
  right: readonly T[],
): (readonly [T | undefined, T | undefined])[] {
  const count = Math.max(left.length, right.length);
  return Array.from({ length: count }, (_, index) => [left[index], right[index]] as const);
}

/** Cells that are too long: prose belongs below a table. */
export function longCells(document: Document): Fault[] {
  return document.tables.flatMap(({ rows }) =>
    rows.flatMap(({ line, cells }) =>
      cells
        .filter((cell) => cell.length > MAX_CELL_LENGTH)
        .map((cell) =>
          faultIn(
            document,
            line,
            `a table cell of ${cell.length} characters, at most ${MAX_CELL_LENGTH}: ${cell.slice(0, 40)}…`,
          ),
        ),
    ),
  );
}

/** A front page that has grown beyond one reading. */
export function longReadme(document: Document): Fault[] {
  return document.lineCount <= MAX_README_LINES
    ? []
    : [
        faultIn(
          document,
          document.lineCount,
          `${document.lineCount} lines, at most ${MAX_README_LINES}`,
        ),
      ];
}

/** What the checks of paths and links know of the repository. Paths are relative to its root. */
export interface Repository {
  readonly exists: (path: string) => boolean;
  /** The anchors of a Markdown file; null when it isn't one. */
  readonly anchorsOf: (path: string) => ReadonlySet<string> | null;
}

const LINK = /\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\s*\[[^\]]+\]:\s*(\S+)/g;

/** Relative links without a target, or with an anchor that the target lacks. */
export function brokenLinks(document: Document, repository: Repository): Fault[] {
  return document.prose.flatMap(({ line, text }) =>
    Array.from(text.matchAll(LINK), ([, inline, reference]) => inline ?? reference ?? "")
      .filter((target) => !/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(target))
      .flatMap((target) => {
        const fault = linkFault(document, decoded(target), repository);
        return fault === null ? [] : [faultIn(document, line, fault)];
      }),
  );
}

function linkFault(document: Document, target: string, repository: Repository): string | null {
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? document.path : resolve(document.path, file);
  if (path === null || !repository.exists(path)) return `a link to ${target}, which doesn't exist`;
  if (anchor === undefined || anchor === "") return null;
  const anchors = file === "" ? anchorsIn(document) : repository.anchorsOf(path);
  return anchors === null || anchors.has(anchor)
    ? null
    : `a link to ${target}, which has no such heading`;
}

/** A link as it is written when it isn't percent-encoded soundly: then no file has such a name. */
function decoded(target: string): string {
  return /%(?![0-9A-Fa-f]{2})/.test(target) ? target : decodeURIComponent(target);
}

/** A link's path from the repository's root; null when it leads out of it. */
function resolve(from: string, link: string): string | null {
  const parts = link.startsWith("/") ? [] : from.split("/").slice(0, -1);
  for (const part of link.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return parts.join("/");
}

const TEST_PATH = /(?<![\w./-])(?:sandbox\/)?test\/[\w./-]+(?![\w*{<…])/g;

/** Test paths that a document names and that don't exist. Patterns such as `test/**` are left out. */
export function missingTests(document: Document, { exists }: Repository): Fault[] {
  return document.lines.flatMap(({ line, text }) =>
    Array.from(text.matchAll(TEST_PATH), ([path]) => path.replace(/[./-]+$/, ""))
      .filter((path) => !exists(path))
      .map((path) => faultIn(document, line, `names ${path}, which doesn't exist`)),
  );
}

const RULE_ID = /(?<![\w-])W-\d+(?![\w-])/g;

/** The ids of the rules that the page of WeChat's rules has a heading for. */
export function ruleIds({ headings }: Pick<Document, "headings">): ReadonlySet<string> {
  return new Set(headings.flatMap(({ text }) => /^W-\d+\b/.exec(text)?.[0] ?? []));
}

/** Rules that a file cites and that the page of WeChat's rules doesn't have. */
export function unknownRules(path: string, content: string, known: ReadonlySet<string>): Fault[] {
  return content.split("\n").flatMap((text, index) =>
    Array.from(text.matchAll(RULE_ID), ([id]) => id)
      .filter((id) => !known.has(id))
      .map((id) => ({ path, line: index + 1, message: `cites ${id}, which no rule has` })),
  );
}

/** Pages that lack their translation, and translations that lack their page. */
export function missingTwins(
  paths: ReadonlySet<string>,
  needsTwin: (path: string) => boolean,
): Fault[] {
  return [...paths].flatMap((path) => {
    const other = path.endsWith(TWIN) ? pageOf(path) : twinOf(path);
    if (paths.has(other) || !(path.endsWith(TWIN) || needsTwin(path))) return [];
    return [{ path, line: 1, message: `has no ${other}` }];
  });
}

const TWIN = ".zh-CN.md";

/** The path of a page's translation. */
export function twinOf(path: string): string {
  return path.replace(/\.md$/, TWIN);
}

function pageOf(twin: string): string {
  return `${twin.slice(0, -TWIN.length)}.md`;
}

function faultIn({ path }: Document, line: number, message: string): Fault {
  return { path, line, message };
}
