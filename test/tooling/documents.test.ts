import { describe, expect, test } from "vitest";
import { anchorsIn, readMarkdown } from "../../scripts/check/documents/markdown.ts";
import {
  brokenLinks,
  compareTwins,
  longCells,
  longReadme,
  missingTests,
  missingTwins,
  ruleIds,
  unknownRules,
  type Fault,
  type Repository,
} from "../../scripts/check/documents/rules.ts";

const PAGE = `# Title

Text with a [link](other.md#a-part).

| A | B |
| - | - |
| 1 | 2 |

\`\`\`bash
npm test
\`\`\`

## Part
`;

/** What is wrong with a translation of `PAGE` that was changed in one place. */
function faultsOfTwin(change: (page: string) => string): string[] {
  return compareTwins(
    readMarkdown("page.md", PAGE),
    readMarkdown("page.zh-CN.md", change(PAGE)),
  ).map(reported);
}

function reported({ path, line, message }: Fault): string {
  return `${path}:${line}: ${message}`;
}

describe("compareTwins", () => {
  test("finds nothing in a translation of the same shape", () => {
    expect(faultsOfTwin((page) => page.replace("Title", "标题").replace("Text", "正文"))).toEqual(
      [],
    );
  });

  test("reports a heading of another level", () => {
    expect(faultsOfTwin((page) => page.replace("## Part", "### Part"))).toEqual([
      "page.zh-CN.md:13: a heading of level 3; page.md:13 has a heading of level 2",
    ]);
  });

  test("reports a heading that is missing", () => {
    expect(faultsOfTwin((page) => page.replace("## Part\n", ""))).toEqual([
      "page.zh-CN.md:12: no heading is left; page.md:13 has a heading of level 2",
    ]);
  });

  test("reports a heading that the page lacks", () => {
    expect(faultsOfTwin((page) => `${page}## More\n`)).toEqual([
      "page.zh-CN.md:14: a heading of level 2; page.md has no heading here",
    ]);
  });

  test("reports a table with another number of rows", () => {
    expect(faultsOfTwin((page) => page.replace("| 1 | 2 |", "| 1 | 2 |\n| 3 | 4 |"))).toEqual([
      "page.zh-CN.md:5: a table of 3 rows; page.md:5 has 2",
    ]);
  });

  test("reports a code block at its first differing line", () => {
    expect(faultsOfTwin((page) => page.replace("npm test", "npm run test"))).toEqual([
      "page.zh-CN.md:10: a code block that differs from page.md:10",
    ]);
  });

  test("reports a code block that is missing", () => {
    expect(faultsOfTwin((page) => page.replace(/```bash[^]*```\n/, ""))).toEqual([
      "page.zh-CN.md:10: lacks a code block: page.md:9",
    ]);
  });

  test("reports another language of a code block", () => {
    expect(faultsOfTwin((page) => page.replace("```bash", "```sh"))).toEqual([
      "page.zh-CN.md:9: a code block that differs from page.md:9",
    ]);
  });
});

describe("readMarkdown", () => {
  test("takes nothing in a code block for a heading, a table or a link", () => {
    const { headings, tables, prose } = readMarkdown("a.md", "```\n# a\n| b |\n[c](d)\n```\n");
    expect({ headings, tables, prose: prose.map(({ text }) => text) }).toEqual({
      headings: [],
      tables: [],
      prose: [""],
    });
  });

  test("removes the indentation of a code block in a list", () => {
    const [block] = readMarkdown("a.md", "1. x\n\n   ```js\n   a\n     b\n   ```\n").codeBlocks;
    expect(block).toEqual({ line: 3, text: "js\na\n  b" });
  });

  test("closes a fence with one of the same length only", () => {
    const { codeBlocks } = readMarkdown("a.md", "````md\n```\na\n```\n````\n");
    expect(codeBlocks.map(({ text }) => text)).toEqual(["md\n```\na\n```"]);
  });

  test("keeps an escaped bar in its cell", () => {
    const [table] = readMarkdown("a.md", "| a \\| b | c |\n").tables;
    expect(table?.rows[0]?.cells).toEqual(["a \\| b", "c"]);
  });
});

describe("anchorsIn", () => {
  test("writes anchors as GitHub does", () => {
    const page = "# A `b`: c?\n## 3. Bind it (APIv2 only)\n## 待处理事项：说明\n## A `b`: c?\n";
    expect([...anchorsIn(readMarkdown("a.md", page))]).toEqual([
      "a-b-c",
      "3-bind-it-apiv2-only",
      "待处理事项说明",
      "a-b-c-1",
    ]);
  });
});

describe("longCells", () => {
  test("reports a cell of 81 characters and none of 80", () => {
    const [sound, long] = [80, 81].map((length) =>
      longCells(readMarkdown("a.md", `| a | b |\n| - | - |\n| c | ${"字".repeat(length)} |\n`)),
    );
    expect(sound).toEqual([]);
    expect(long?.map(reported)).toEqual([
      `a.md:3: a table cell of 81 characters, at most 80: ${"字".repeat(40)}…`,
    ]);
  });
});

describe("longReadme", () => {
  test("reports 151 lines and not 150", () => {
    const [sound, long] = [150, 151].map((lines) =>
      longReadme(readMarkdown("README.md", "a\n".repeat(lines))),
    );
    expect(sound).toEqual([]);
    expect(long?.map(reported)).toEqual(["README.md:151: 151 lines, at most 150"]);
  });
});

const REPOSITORY: Repository = {
  exists: (path) => ["docs/a.md", "docs/b.md", "README.md", "test/a.test.ts"].includes(path),
  anchorsOf: (path) => (path === "docs/b.md" ? new Set(["part"]) : null),
};

function faultsOf(text: string): string[] {
  return brokenLinks(readMarkdown("docs/a.md", text), REPOSITORY).map(reported);
}

describe("brokenLinks", () => {
  test("accepts files, headings, addresses and code", () => {
    const sound =
      "# Here\n[a](b.md#part) [b](../README.md) [c](#here) [d](https://x.test/y) `[e](gone.md)`\n";
    expect(faultsOf(sound)).toEqual([]);
  });

  test("reports a file that doesn't exist", () => {
    expect(faultsOf("[a](gone.md)")).toEqual([
      "docs/a.md:1: a link to gone.md, which doesn't exist",
    ]);
  });

  test("reports a file outside the repository", () => {
    expect(faultsOf("[a](../../README.md)")).toEqual([
      "docs/a.md:1: a link to ../../README.md, which doesn't exist",
    ]);
  });

  test("reports a heading that doesn't exist, here and elsewhere", () => {
    expect(faultsOf("# Here\n[a](#there) [b](b.md#there)")).toEqual([
      "docs/a.md:2: a link to #there, which has no such heading",
      "docs/a.md:2: a link to b.md#there, which has no such heading",
    ]);
  });

  test("reports a reference's target", () => {
    expect(faultsOf("[a]: gone.md")).toEqual([
      "docs/a.md:1: a link to gone.md, which doesn't exist",
    ]);
  });
});

describe("missingTests", () => {
  test("reports a test path that doesn't exist, in code too", () => {
    const text = "`test/a.test.ts`, test/b.test.ts.\n```\nnpx vitest test/c.test.ts\n```\n";
    expect(missingTests(readMarkdown("a.md", text), REPOSITORY).map(reported)).toEqual([
      "a.md:1: names test/b.test.ts, which doesn't exist",
      "a.md:3: names test/c.test.ts, which doesn't exist",
    ]);
  });
});

describe("unknownRules", () => {
  test("reports a cited rule that has no heading", () => {
    const known = ruleIds(readMarkdown("docs/wechat-pay.md", "## Topic\n### W-01 Host\n"));
    const source = "// Host name only (W-01).\n/** Never twice (W-99). */\n";
    expect(unknownRules("src/a.ts", source, known).map(reported)).toEqual([
      "src/a.ts:2: cites W-99, which no rule has",
    ]);
  });
});

describe("missingTwins", () => {
  test("reports a page without its translation, and a translation without its page", () => {
    const paths = new Set(["docs/a.md", "docs/b.md", "docs/b.zh-CN.md", "c.zh-CN.md", "d.md"]);
    const faults = missingTwins(paths, (path) => path.startsWith("docs/"));
    expect(faults.map(reported)).toEqual([
      "docs/a.md:1: has no docs/a.zh-CN.md",
      "c.zh-CN.md:1: has no c.md",
    ]);
  });
});
