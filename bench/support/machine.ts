import { readFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { ROOT } from "../../testkit/stack/project.ts";

/** One line with the date, the machine and the versions of a measurement. */
export function machineLine(): string {
  const [cpu] = os.cpus();
  const memory = `${(os.totalmem() / 2 ** 30).toFixed(0)} GB`;
  const versions = [
    `Node ${process.versions.node}`,
    `workerd ${versionOf("workerd")}`,
    `wrangler ${versionOf("wrangler")}`,
  ];
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, ${os.cpus().length} × ${cpu?.model ?? "unknown processor"}, ${memory}; ${versions.join(", ")}`;
}

function versionOf(name: string): string {
  const file = path.join(ROOT, "node_modules", name, "package.json");
  const manifest: { readonly version: string } = JSON.parse(readFileSync(file, "utf8"));
  return manifest.version;
}
