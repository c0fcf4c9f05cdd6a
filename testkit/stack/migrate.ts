import { quietEnvironment, WRANGLER } from "./project.ts";
import { runQuietly } from "./run-quietly.ts";

/** Applies the migrations that a local D1 database doesn't have yet. Throws with wrangler's words. */
export async function migrate(persistTo: string, scratch: string): Promise<void> {
  const command = ["d1", "migrations", "apply", "DB", "--local", `--persist-to=${persistTo}`];
  await runQuietly([WRANGLER, ...command], quietEnvironment(scratch));
}
