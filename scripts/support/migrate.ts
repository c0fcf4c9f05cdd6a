import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { quietEnvironment, ROOT, WRANGLER } from "./project.ts";

const run = promisify(execFile);

/** Applies the migrations that a local D1 database doesn't have yet. Throws with wrangler's words. */
export async function migrate(persistTo: string, scratch: string): Promise<void> {
  const command = ["d1", "migrations", "apply", "DB", "--local", "--persist-to", persistTo];
  await run(process.execPath, [WRANGLER, ...command], {
    cwd: ROOT,
    env: quietEnvironment(scratch),
  });
}
