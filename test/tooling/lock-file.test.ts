import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import {
  inspectLockFile,
  lockFile,
  type LockedPackage,
} from "../../scripts/check/lock-file/faults.ts";

const PINNED: LockedPackage = {
  resolved: "https://registry.npmjs.org/some/-/some-1.0.0.tgz",
  integrity: "sha512-AAAA",
};

function inspect(locked: LockedPackage, allowScripts = {}) {
  return inspectLockFile({ "": {}, "node_modules/some": locked }, allowScripts);
}

describe("the lock file's check", () => {
  test("accepts a package with a SHA-512 from the registry", () => {
    expect(inspect(PINNED)).toEqual({ faults: [], withoutHash: [] });
  });

  test.each([
    ["no hash", {}],
    ["a weaker hash", { ...PINNED, integrity: "sha1-AAAA" }],
    ["an optional package of every platform without a hash", { optional: true }],
    ["another registry", { ...PINNED, resolved: "https://registry.example/some-1.0.0.tgz" }],
    ["a script that nobody allowed", { ...PINNED, hasInstallScript: true }],
  ])("refuses %s", (_case, locked) => {
    expect(inspect(locked).faults).toHaveLength(1);
  });

  test("accepts an allowed script", () => {
    const locked = { ...PINNED, hasInstallScript: true };
    expect(inspect(locked, { some: true }).faults).toEqual([]);
  });

  test("names a package of another platform that has no hash", () => {
    const found = inspect({ optional: true, os: ["darwin"] });
    expect(found).toEqual({ faults: [], withoutHash: ["node_modules/some"] });
  });
});

describe("the Node of the tools", () => {
  const { packages } = lockFile.parse(
    JSON.parse(readFileSync(path.join(import.meta.dirname, "../../package-lock.json"), "utf8")),
  );

  test("is one version, pinned by a hash on Linux and Windows", () => {
    const nodes = Object.entries(packages).filter(([name]) =>
      /^node_modules\/node-(bin-)?(linux|win|darwin)-/u.test(name),
    );
    expect(nodes).toHaveLength(5);
    expect(new Set(nodes.map(([, { version }]) => version)).size).toBe(1);
    for (const [name, locked] of nodes) {
      if (!name.includes("darwin")) expect(locked.integrity, name).toMatch(/^sha512-/u);
    }
  });

  // The registry's mirrors lack some versions for other systems, which then use their own Node.
  test.runIf(process.platform === "linux")("runs these tests, and no script fetched it", () => {
    const name = `node_modules/node-linux-${process.arch}`;
    expect(process.version).toBe(`v${packages[name]?.version}`);
    expect(packages).not.toHaveProperty("node_modules/node");
  });
});
