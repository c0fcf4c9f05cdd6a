import { quietEnvironment, WRANGLER } from "./project.ts";
import { runQuietly } from "./run-quietly.ts";

/** Applies pending migrations to a local D1 database. Throws with wrangler's output on failure. */
export async function migrate(persistTo: string, scratch: string): Promise<void> {
  const command = ["d1", "migrations", "apply", "DB", "--local", `--persist-to=${persistTo}`];
  await runQuietly([WRANGLER, ...command], quietEnvironment(scratch));
}
