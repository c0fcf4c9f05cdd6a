import { execFileSync } from "node:child_process";
import { cpSync, readdirSync } from "node:fs";
import path from "node:path";
import { removeFolder, temporaryFolder } from "../../testkit/stack/leftovers.ts";
import { ROOT } from "../../testkit/stack/project.ts";

/**
 * `npm run db:check`: the migrations are consistent, and the schema has no change without one.
 * drizzle-kit can only find out by generating migrations, so it does that in a copy.
 */
function main(): void {
  drizzleKit("check");
  const copy = temporaryFolder("migrations-");
  cpSync(path.join(ROOT, "migrations"), copy, { recursive: true });
  const before = readdirSync(copy);
  // Relative, because drizzle-kit prefixes it with `./`.
  const out = path.relative(ROOT, copy);
  drizzleKit("generate", "--dialect=sqlite", "--schema=./src/db/schema.ts", `--out=${out}`);
  const generated = readdirSync(copy).filter((name) => !before.includes(name));
  removeFolder(copy);
  if (generated.length === 0) return;
  console.error("src/db/schema.ts has changes without a migration: run `npm run db:generate`.");
  process.exitCode = 1;
}

function drizzleKit(...command: string[]): void {
  const program = path.join(ROOT, "node_modules/drizzle-kit/bin.cjs");
  execFileSync(process.execPath, [program, ...command], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
  });
}

main();
