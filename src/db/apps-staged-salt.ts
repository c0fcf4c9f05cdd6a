import { and, eq, isNull } from "drizzle-orm";
import { err, ok, type Result } from "../lib/result.ts";
import type { MasterKey } from "../lib/secret-box.ts";
import { NO_STAGED_SALT, type Rotation } from "./apps-rotation.ts";
import { APP_COLUMNS, type AppRecord } from "./apps.ts";
import type { Database } from "./database.ts";
import { apps } from "./schema.ts";
import { openFrom, sealFor } from "./secrets.ts";

/** A salt was staged. */
export interface Staging {
  readonly app: AppRecord;
  /** An earlier staged salt was replaced: signatures with it are refused from now on. */
  readonly stagedReplaced: boolean;
}

/**
 * Stages a salt: the app may sign with it, but callbacks are still signed with the current one.
 * On failure: `absent`; `current`, when it is the app's salt already; `unreadable`, when the current one
 * can't be decrypted; `raced`, when the salt or a staged one changed meanwhile.
 */
export async function stageSalt(
  db: Database,
  masterKey: MasterKey,
  id: number,
  salt: string,
  nowAt: number,
): Promise<Result<Staging, "absent" | "current" | "unreadable" | "raced">> {
  const before = await saltsOf(db, id);
  if (before === undefined) return err("absent");
  const current = await openFrom(apps.saltSealed, id, before.current, masterKey);
  if (!current.ok) return current;
  if (current.value === salt) return err("current");
  const stagedSaltSealed = await sealFor(apps.stagedSaltSealed, id, salt, masterKey);
  const app = await change(db, id, before, { stagedSaltSealed, saltStagedAt: nowAt }, nowAt);
  return app === undefined ? err("raced") : ok({ app, stagedReplaced: before.staged !== null });
}

/**
 * Makes the staged salt the current one. The one before stays valid for `overlapMs`.
 * On failure: `absent`; `not-staged`; `unreadable`, when the staged one can't be decrypted, or with an
 * overlap the current one; `raced`, when one of them changed meanwhile.
 */
export async function activateSalt(
  db: Database,
  masterKey: MasterKey,
  id: number,
  overlapMs: number,
  nowAt: number,
): Promise<
  Result<Omit<Rotation, "stagedDropped">, "absent" | "not-staged" | "unreadable" | "raced">
> {
  const before = await saltsOf(db, id);
  if (before === undefined) return err("absent");
  if (before.staged === null) return err("not-staged");
  // Encrypted again, since a sealed text decrypts in its own column only.
  const staged = await openFrom(apps.stagedSaltSealed, id, before.staged, masterKey);
  if (!staged.ok) return staged;
  let oldSaltSealed: string | null = null;
  if (overlapMs > 0) {
    const current = await openFrom(apps.saltSealed, id, before.current, masterKey);
    if (!current.ok) return current;
    oldSaltSealed = await sealFor(apps.oldSaltSealed, id, current.value, masterKey);
  }
  const oldExpiresAt = overlapMs > 0 ? nowAt + overlapMs : null;
  const salts = {
    saltSealed: await sealFor(apps.saltSealed, id, staged.value, masterKey),
    oldSaltSealed,
    oldSaltExpiresAt: oldExpiresAt,
    ...NO_STAGED_SALT,
  };
  const app = await change(db, id, before, salts, nowAt);
  if (app === undefined) return err("raced");
  const earlierDropped = before.oldExpiresAt !== null && before.oldExpiresAt > nowAt;
  return ok({ app, oldExpiresAt, earlierDropped });
}

/** An app's sealed salts. */
interface Salts {
  readonly current: string;
  readonly staged: string | null;
  readonly oldExpiresAt: number | null;
}

async function saltsOf(db: Database, id: number): Promise<Salts | undefined> {
  const [salts] = await db
    .select({
      current: apps.saltSealed,
      staged: apps.stagedSaltSealed,
      oldExpiresAt: apps.oldSaltExpiresAt,
    })
    .from(apps)
    .where(eq(apps.id, id));
  return salts;
}

/** Changes the salts unless another rotation, staging or reseal has since `before`; undefined then. */
async function change(
  db: Database,
  id: number,
  { current, staged }: Salts,
  salts: Partial<typeof apps.$inferInsert>,
  nowAt: number,
): Promise<AppRecord | undefined> {
  const [app] = await db
    .update(apps)
    .set({ ...salts, updatedAt: nowAt })
    .where(
      and(
        eq(apps.id, id),
        eq(apps.saltSealed, current),
        staged === null ? isNull(apps.stagedSaltSealed) : eq(apps.stagedSaltSealed, staged),
      ),
    )
    .returning(APP_COLUMNS);
  return app;
}
