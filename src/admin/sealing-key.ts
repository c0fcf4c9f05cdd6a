import type { Context } from "hono";
import { countSealedUnderOther, type ExceptRow } from "../db/sealed-columns.ts";
import type { GatewayEnv } from "../env.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { MasterKey } from "../lib/secret-box.ts";
import { conflict, type AdminError } from "./errors.ts";

/**
 * The master key, for a request that encrypts a secret. On failure: a 409, because stored secrets open
 * under neither key. Then MASTER_KEY is probably wrong, and with every secret sealed under it fewer
 * would open once it is corrected.
 *
 * `?masterKeyLost=true` says that it isn't wrong: the secrets of all rows must be entered again.
 * @param replaced the row whose secrets the request replaces, which is no reason to refuse it
 */
export async function sealingKey(
  c: Context<GatewayEnv>,
  replaced?: ExceptRow,
): Promise<Result<MasterKey, AdminError>> {
  const { db, settings } = c.get("work");
  const masterKey = await settings.masterKey();
  if (c.req.query("masterKeyLost") === "true") return ok(masterKey);
  const [{ rows } = { rows: 0 }] = await countSealedUnderOther(db, masterKey, replaced);
  if (rows === 0) return ok(masterKey);
  return err(
    conflict(
      `Stored secrets of ${rows} rows open under neither MASTER_KEY (${masterKey.id}) nor MASTER_KEY_PREVIOUS, so nothing is sealed. Set the key that sealed them; if it is lost, repeat the request with ?masterKeyLost=true.`,
    ),
  );
}
