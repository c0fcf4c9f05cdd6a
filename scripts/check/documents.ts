import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { ROOT } from "../../testkit/stack/project.ts";
import { anchorsIn, readMarkdown, type Document } from "./documents/markdown.ts";
import {
  brokenLinks,
  compareTwins,
  longCells,
  longReadme,
  missingTests,
  missingTwins,
  ruleIds,
  twinOf,
  unknownRules,
  type Fault,
  type Repository,
} from "./documents/rules.ts";

/** The page that has WeChat's rules, each under a heading that begins with its id. */
const RULES_PAGE = "docs/wechat-pay.md";

/**
 * `npm run docs:check`: the documents agree with their translations, are short where they must be,
 * and name nothing that doesn't exist. Prints one line per fault.
 */
function main(): void {
  const tracked = trackedFiles();
  const documents = new Map(
    tracked
      .filter((file) => file.endsWith(".md"))
      .map((file) => [file, readMarkdown(file, read(file))] as const),
  );
  const faults = [...documentFaults(documents), ...citationFaults(tracked, documents)];
  for (const { path: file, line, message } of faults) console.error(`${file}:${line}: ${message}`);
  if (faults.length === 0) return;
  console.error(`\n${faults.length} faults in the documents.`);
  process.exitCode = 1;
}

function documentFaults(documents: ReadonlyMap<string, Document>): Fault[] {
  const repository: Repository = {
    exists: (file) => existsSync(path.join(ROOT, file)),
    anchorsOf: (file) => {
      const document = documents.get(file);
      return document === undefined ? null : anchorsIn(document);
    },
  };
  const faults = missingTwins(new Set(documents.keys()), (file) =>
    /^(?:README|docs\/[^/]+)\.md$/.test(file),
  );
  for (const document of documents.values()) {
    const twin = documents.get(twinOf(document.path));
    if (twin !== undefined) faults.push(...compareTwins(document, twin));
    if (document.path === "README.md") faults.push(...longReadme(document));
    faults.push(...longCells(document), ...brokenLinks(document, repository));
    // A changelog names what is gone.
    if (document.path !== "CHANGELOG.md") faults.push(...missingTests(document, repository));
  }
  return faults;
}

/** Rules of WeChat that code and documents cite. */
function citationFaults(
  tracked: readonly string[],
  documents: ReadonlyMap<string, Document>,
): Fault[] {
  const page = documents.get(RULES_PAGE);
  const known: ReadonlySet<string> = page === undefined ? new Set() : ruleIds(page);
  return tracked
    .filter((file) => /^(?:sandbox\/)?src\/.*\.ts$/.test(file) || file.endsWith(".md"))
    .flatMap((file) => unknownRules(file, read(file), known));
}

/** What git tracks and the working tree still has. */
function trackedFiles(): string[] {
  return execFileSync("git", ["ls-files", "-z"], { cwd: ROOT, encoding: "utf8" })
    .split("\0")
    .filter((file) => file !== "" && existsSync(path.join(ROOT, file)));
}

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), "utf8");
}

main();
