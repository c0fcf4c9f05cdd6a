import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOMS } from "../../oxlint.config.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

/** A line of a file in a room, and whether the linter must refuse it. */
interface ImportCase {
  readonly room: string;
  readonly line: string;
  readonly refused: boolean;
}

const DOORS = ["index", "app", "scheduled", "health"];

const CASES: readonly ImportCase[] = ROOMS.flatMap((room, position) => [
  ...ROOMS.map((other, otherPosition) => ({
    room,
    line: `import "../${other}/some-file.ts";`,
    refused: otherPosition < position,
  })),
  ...ROOMS.map((other, otherPosition) => ({
    room: `${room}/inner`,
    line: `import "../../${other}/some-file.ts";`,
    refused: otherPosition < position,
  })),
  ...DOORS.map((door) => ({ room, line: `import "../${door}.ts";`, refused: true })),
  ...["v2", "v3"].map((protocol) => ({
    room,
    line: `import "../wechat/${protocol}/prepay.ts";`,
    // Rooms below wechat/ may not import it at all.
    refused: room !== "wechat",
  })),
  {
    room,
    line: 'import { connect } from "../db/database.ts"; export const handle = connect;',
    refused: room !== "settings",
  },
  ...["hono", "drizzle-orm", "cloudflare:workers"].map((name) => ({
    room,
    line: `import "${name}";`,
    refused:
      room === "contract" || room === "domain" || (room === "lib" && name.startsWith("cloudflare")),
  })),
]);

let folder: string;
/** The files that the linter refused for an import, relative to `folder`. */
let refused: ReadonlySet<string>;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "rooms-"));
  await cp(path.join(ROOT, "oxlint.config.ts"), path.join(folder, "oxlint.config.ts"));
  await symlink(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"));
  for (const [index, { room, line }] of CASES.entries()) {
    await mkdir(path.join(folder, "src", room), { recursive: true });
    await writeFile(path.join(folder, fileOf(index)), `${line}\n`);
  }
  const { diagnostics } = await lint();
  refused = new Set(
    diagnostics
      .filter(({ code }) => code.includes("no-restricted-imports"))
      .map(({ filename }) => filename),
  );
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

function fileOf(index: number): string {
  return `src/${CASES[index]?.room}/case-${index}.ts`;
}

async function lint(): Promise<{ diagnostics: { code: string; filename: string }[] }> {
  const output = await new Promise<string>((resolve) => {
    // A refusal is exit code 1: the output tells.
    execFile(
      path.join(ROOT, "node_modules/.bin/oxlint"),
      ["--format=json", "src"],
      { cwd: folder, maxBuffer: 64 * 1024 * 1024 },
      (_error, stdout) => resolve(stdout),
    );
  });
  return JSON.parse(output);
}

describe("the lint rules of the rooms", () => {
  test.for(ROOMS)("refuse each upward import of src/%s, and no other", (room) => {
    const mine = CASES.flatMap((one, index) =>
      one.room === room || one.room === `${room}/inner` ? [{ ...one, file: fileOf(index) }] : [],
    );
    expect(mine.filter(({ file }) => refused.has(file)).map(({ line }) => line)).toEqual(
      mine.filter((one) => one.refused).map(({ line }) => line),
    );
  });
});
