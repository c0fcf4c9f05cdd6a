import { and, eq, sql } from "drizzle-orm";
import { err, ok, type Result } from "../lib/result.ts";
import type { MasterKey } from "../lib/secret-box.ts";
import { APP_COLUMNS, type AppRecord } from "./apps.ts";
import type { Database } from "./database.ts";
import { apps } from "./schema.ts";
import { openFrom, sealFor } from "./secrets.ts";

/** The columns of an app's two secrets and of their predecessors. */
const COLUMNS = {
  salt: { current: "saltSealed", old: "oldSaltSealed", expiresAt: "oldSaltExpiresAt" },
  webhookSecret: {
    current: "webhookSecretSealed",
    old: "oldWebhookSecretSealed",
    expiresAt: "oldWebhookSecretExpiresAt",
  },
} as const;

/** The columns of a staged salt, for an update that ends its staging. */
export const NO_STAGED_SALT = { stagedSaltSealed: null, saltStagedAt: null } as const;

export type Rotatable = keyof typeof COLUMNS;

export interface Rotation {
  readonly app: AppRecord;
  /** When the replaced secret expires; null when it became invalid at once. */
  readonly oldExpiresAt: number | null;
  /**
   * The overlap of an earlier rotation was cut short: only one old secret is stored, so signatures
   * with the secret before it are refused from now on.
   */
  readonly earlierDropped: boolean;
  /** A staged salt was dropped: signatures with it are refused from now on. */
  readonly stagedDropped: boolean;
}

/**
 * Replaces an app's salt or webhook secret by `fresh`, and with the salt drops a staged one. The old one stays valid for `overlapMs`.
 * On failure: `absent`; `unreadable`, when the old one can't be decrypted and so can't stay valid (a
 * rotation without overlap needs no decryption, which repairs an app whose master key is lost);
 * `raced`, when another rotation, a staging or a reseal (reseal.ts) changed the secret meanwhile.
 */
export async function rotateSecret(
  db: Database,
  masterKey: MasterKey,
  id: number,
  secret: Rotatable,
  { fresh, overlapMs }: { readonly fresh: string; readonly overlapMs: number },
  nowAt: number,
): Promise<Result<Rotation, "absent" | "unreadable" | "raced">> {
  const names = COLUMNS[secret];
  const [before] = await db
    .select({
      current: apps[names.current],
      expiresAt: apps[names.expiresAt],
      stagedAt: apps.saltStagedAt,
    })
    .from(apps)
    .where(eq(apps.id, id));
  if (before === undefined) return err("absent");

  let oldSealed: string | null = null;
  if (overlapMs > 0) {
    // Encrypted again, since a sealed text decrypts in its own column only.
    const old = await openFrom(apps[names.current], id, before.current, masterKey);
    if (!old.ok) return old;
    oldSealed = await sealFor(apps[names.old], id, old.value, masterKey);
  }
  const oldExpiresAt = overlapMs > 0 ? nowAt + overlapMs : null;
  const [app] = await db
    .update(apps)
    .set({
      [names.current]: await sealFor(apps[names.current], id, fresh, masterKey),
      [names.old]: oldSealed,
      [names.expiresAt]: oldExpiresAt,
      ...(secret === "salt" ? NO_STAGED_SALT : {}),
      updatedAt: nowAt,
    })
    .where(
      and(
        eq(apps.id, id),
        eq(apps[names.current], before.current),
        // Otherwise a salt that is staged meanwhile would be dropped unsaid.
        secret === "salt" ? sql`${apps.saltStagedAt} is ${before.stagedAt}` : undefined,
      ),
    )
    .returning(APP_COLUMNS);
  if (app === undefined) return err("raced");
  const earlierDropped = before.expiresAt !== null && before.expiresAt > nowAt;
  const stagedDropped = secret === "salt" && before.stagedAt !== null;
  return ok({ app, oldExpiresAt, earlierDropped, stagedDropped });
}
