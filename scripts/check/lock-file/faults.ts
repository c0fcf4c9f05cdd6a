import { z } from "zod";

const lockedPackage = z.object({
  version: z.string().optional(),
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  optional: z.boolean().optional(),
  os: z.array(z.string()).optional(),
  hasInstallScript: z.boolean().optional(),
});

/** One package of package-lock.json, with the fields that are checked. */
export type LockedPackage = z.output<typeof lockedPackage>;

/** package-lock.json of lockfileVersion 3; the keys of `packages` are paths. */
export const lockFile = z.object({ packages: z.record(z.string(), lockedPackage) });

/** The part of package.json that says which packages may run a script at their installation. */
export const manifest = z.object({ allowScripts: z.record(z.string(), z.boolean()) });

export interface LockFileFindings {
  /** What must not be in the file, a sentence each. */
  readonly faults: readonly string[];
  /** Packages for other platforms of which the registry gave no hash when they were locked. */
  readonly withoutHash: readonly string[];
}

const REGISTRY = "https://registry.npmjs.org/";

/**
 * Compares the locked packages with the rules: each has a SHA-512 and no address but the registry's (npm
 * derives it when it is absent), and none
 * runs a script at its installation unless package.json's `allowScripts` names it. Only a package
 * that is optional and for some platforms may lack its hash, because a mirror of the registry need
 * not have it.
 *
 * @param packages package-lock.json's `packages`, by path
 * @param allowScripts package.json's `allowScripts`
 */
export function inspectLockFile(
  packages: Readonly<Record<string, LockedPackage>>,
  allowScripts: Readonly<Record<string, boolean>>,
): LockFileFindings {
  const faults: string[] = [];
  const withoutHash: string[] = [];
  for (const [path, locked] of Object.entries(packages)) {
    if (path === "") continue;
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    if (locked.hasInstallScript === true && !(allowScripts[name] ?? false)) {
      faults.push(`${path} runs a script when it is installed, and allowScripts doesn't name it`);
    }
    if (locked.resolved !== undefined && !locked.resolved.startsWith(REGISTRY)) {
      faults.push(`${path} comes from ${locked.resolved}, not from ${REGISTRY}`);
    }
    if (locked.integrity?.startsWith("sha512-") === true) continue;
    if (locked.integrity === undefined && locked.optional === true && locked.os !== undefined) {
      withoutHash.push(path);
    } else {
      faults.push(`${path} has no SHA-512`);
    }
  }
  return { faults, withoutHash };
}
