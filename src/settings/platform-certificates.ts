import { waitUntil } from "cloudflare:workers";
import { connect } from "../db/database.ts";
import { forgetSettings, masterKeyOf, merchantSettings } from "./settings.ts";
import { merchantsToCheck, noteCertificateCheck, storeCertificates } from "../db/verify-keys.ts";
import { describe, log } from "../observability/log.ts";
import type { JobContext } from "./wechat-env.ts";
import { newMeter } from "../observability/request-meter.ts";
import { instrumentCall } from "../wechat/instrument.ts";
import { downloadCertificates } from "../wechat/v3/certificates.ts";
import type { Merchant, V3Credentials, VerifyKey } from "../wechat/types.ts";

/** How old the settings may be in which a key is missing: forged key ids cost one read in this time. */
const MISSING_KEY_MAX_AGE_MS = 5_000;
/** A key that is missing still makes an isolate ask WeChat at most this often for a merchant. */
const DEMAND_INTERVAL_MS = 60_000;
/** WeChat asks for a fetch every 12 h at the least, and lists a new certificate days before its use. */
const REFRESH_INTERVAL_MS = 10 * 3600_000;
/** Merchants that one run of the schedule looks after; the next run goes on. */
const MAX_MERCHANTS_PER_RUN = 20;

/**
 * When this isolate asked for a merchant's certificates because of a missing key. Not in D1: nothing
 * that is forged may change a row.
 */
const demandedAt = new Map<number, number>();

/**
 * Looks for a verifying key that settings at hand lack. If D1 doesn't have it either, the platform
 * certificates are fetched, but nobody waits for that: WeChat repeats what is refused now.
 */
export async function findVerifyKey(
  world: JobContext,
  merchantId: number,
  keyId: string,
): Promise<VerifyKey | null> {
  const merchant = await readMerchant(world, merchantId, MISSING_KEY_MAX_AGE_MS);
  if (merchant === null) return null;
  const key = merchant.v3?.verifyKeys.find(({ id }) => id === keyId);
  if (key !== undefined) return key;
  const nowAt = Date.now();
  if (nowAt - (demandedAt.get(merchantId) ?? 0) >= DEMAND_INTERVAL_MS) {
    demandedAt.set(merchantId, nowAt);
    waitUntil(refresh(world, merchant));
  }
  return null;
}

/** Fetches the platform certificates of all merchants whose last fetch is long ago. */
export async function refreshCertificates(world: JobContext): Promise<void> {
  const db = connect(world.env.DB);
  for (const id of await merchantsToCheck(
    db,
    Date.now() - REFRESH_INTERVAL_MS,
    MAX_MERCHANTS_PER_RUN,
  )) {
    // First, so that a merchant whose fetch fails doesn't keep the others from their turn.
    await noteCertificateCheck(db, id, Date.now());
    const merchant = await readMerchant(world, id);
    if (merchant !== null) await refresh(world, merchant);
  }
}

async function readMerchant(
  { env, config }: JobContext,
  merchantId: number,
  lifeMs?: number,
): Promise<Merchant | null> {
  const masterKey = await masterKeyOf(config);
  const db = connect(env.DB);
  const merchant = await merchantSettings(db, masterKey, merchantId, Date.now(), lifeMs);
  return merchant.ok ? merchant.value : null;
}

/** Never throws: nobody waits for it. */
async function refresh(world: JobContext, merchant: Merchant): Promise<void> {
  try {
    const { id, mchId, v3 } = merchant;
    if (v3 === null || !mayHaveCertificates(v3)) return;
    const db = connect(world.env.DB);
    const { wechatEnv } = world;
    const client = { merchant: { id, mchId, v3 }, env: wechatEnv };
    const answer = await instrumentCall(
      newMeter(world.env),
      { api: "certificates" },
      async () => await downloadCertificates(client),
    );
    switch (answer.kind) {
      case "found":
        await storeCertificates(db, merchant, answer.certificates, Date.now());
        forgetSettings();
        log("info", "certificates_fetched", {
          merchant: id,
          certificates: answer.certificates.map((key) => key.id).join(","),
        });
        return;
      case "none":
        log("info", "certificates_absent", { merchant: id });
        return;
      case "undecryptable":
        log("error", "certificates_undecryptable", { merchant: id });
        return;
      case "refused":
        log("error", "certificates_refused", { merchant: id, code: answer.code });
        return;
      case "unknown":
        log("warn", "certificates_not_fetched", { merchant: id, reason: answer.reason });
        return;
    }
  } catch (error) {
    log("error", "certificates_not_fetched", {
      merchant: merchant.id,
      error: describe(error),
    });
  }
}

/** A merchant with a public key only is known to have none. */
function mayHaveCertificates({ verifyKeys }: V3Credentials): boolean {
  return verifyKeys.length === 0 || verifyKeys.some(({ kind }) => kind === "certificate");
}
