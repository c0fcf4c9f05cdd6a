import { readFileSync } from "node:fs";
import path from "node:path";
import { ROOT } from "../../testkit/stack/project.ts";
import { inspectLockFile, lockFile, manifest } from "./lock-file/faults.ts";

/**
 * `npm run lock:check`: everything that `npm ci` installs is pinned by a hash in the lock file, the
 * Node that runs the tools included. Names the packages of other platforms that have none.
 */
function main(): void {
  const { packages } = lockFile.parse(readJson("package-lock.json"));
  const { allowScripts } = manifest.parse(readJson("package.json"));
  const { faults, withoutHash } = inspectLockFile(packages, allowScripts);
  const count = Object.keys(packages).length - 1;
  console.log(`${count - withoutHash.length} of ${count} packages are pinned by a hash.`);
  for (const name of withoutHash) {
    console.log(`  without one, for another platform, unknown to the registry: ${name}`);
  }
  for (const fault of faults) console.error(`package-lock.json: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(path.join(ROOT, file), "utf8"));
}

main();
