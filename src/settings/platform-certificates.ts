import { waitUntil } from "cloudflare:workers";
import { merchantsToCheck, noteCertificateCheck, storeCertificates } from "../db/verify-keys.ts";
import { describe, log } from "../observability/log.ts";
import { fetchCertificates, mayHaveCertificates } from "../wechat/certificates.ts";
import { instrumentCall } from "../wechat/instrument.ts";
import type { Merchant, VerifyKeyLookup } from "../wechat/types.ts";
import { observeCalls, openMerchantIncident, resolveByNotification } from "./merchant-incidents.ts";
import { forgetSettings } from "./settings.ts";
import { wechatEnvOf } from "./wechat-env.ts";
import type { WorkContext } from "./work-context.ts";

/** Maximum age of settings that lack a key: forged key ids cost at most one read in this time. */
const MISSING_KEY_MAX_AGE_MS = 5_000;
/** An isolate fetches a merchant's certificates for a missing key at most this often. */
const ON_DEMAND_INTERVAL_MS = 60_000;
/** WeChat requires a fetch at least every 12 h, and lists a new certificate days before its use. */
const REFRESH_INTERVAL_MS = 10 * 3600_000;
/** Merchants checked by one run of the schedule; the next run continues. */
const MAX_MERCHANTS_PER_RUN = 20;

/**
 * When this isolate last fetched a merchant's certificates because a key was missing. Not in D1:
 * forged messages must not change rows.
 */
const fetchedOnDemandAt = new Map<number, number>();

/**
 * Looks up verifying keys that the cached settings lack. When D1 lacks the key too, fetches the
 * platform certificates in the background: WeChat repeats the notification that is refused now.
 */
export function verifyKeyLookup(work: WorkContext): VerifyKeyLookup {
  return async (merchantId, keyId) => {
    const merchant = await work.settings.merchant(merchantId, MISSING_KEY_MAX_AGE_MS);
    if (!merchant.ok) return null;
    const key = merchant.value.v3?.verifyKeys.find(({ id }) => id === keyId);
    if (key !== undefined) return key;
    const nowAt = Date.now();
    if (nowAt - (fetchedOnDemandAt.get(merchantId) ?? 0) >= ON_DEMAND_INTERVAL_MS) {
      fetchedOnDemandAt.set(merchantId, nowAt);
      waitUntil(refresh(work, merchant.value));
    }
    return null;
  };
}

/** Fetches the platform certificates of merchants whose last fetch is over ten hours ago. */
export async function refreshCertificates(work: WorkContext): Promise<void> {
  const { db, settings } = work;
  const before = Date.now() - REFRESH_INTERVAL_MS;
  for (const id of await merchantsToCheck(db, before, MAX_MERCHANTS_PER_RUN)) {
    // Before the fetch, so that a merchant whose fetch fails doesn't block the others.
    await noteCertificateCheck(db, id, Date.now());
    const merchant = await settings.merchant(id);
    if (merchant.ok) await refresh(work, merchant.value);
  }
}

/** Fetches and stores a merchant's certificates. Never throws: it may run in the background. */
async function refresh(work: WorkContext, merchant: Merchant): Promise<void> {
  const { requestId } = work.meter;
  const { id } = merchant;
  try {
    if (!mayHaveCertificates(merchant)) return;
    const answer = await instrumentCall(
      work.meter,
      { api: "certificates" },
      async () => await fetchCertificates(merchant, wechatEnvOf(work.env, work.config)),
      observeCalls(work, merchant, "v3"),
    );
    switch (answer.kind) {
      case "found":
        resolveByNotification(work, merchant, "v3");
        await storeCertificates(work.db, merchant, answer.certificates, Date.now());
        forgetSettings();
        log("info", "certificates_fetched", {
          requestId,
          merchant: id,
          certificates: answer.certificates.map((key) => key.id).join(","),
        });
        return;
      case "none":
        log("info", "certificates_absent", { requestId, merchant: id });
        return;
      case "undecryptable":
        log("error", "certificates_undecryptable", { requestId, merchant: id });
        openMerchantIncident(work, id, "merchant_api_v3_key_wrong", { api: "certificates" });
        return;
      case "refused":
        log("error", "certificates_refused", { requestId, merchant: id, code: answer.code });
        return;
      case "unknown":
        log("warn", "certificates_not_fetched", {
          requestId,
          merchant: id,
          reason: answer.reason,
        });
        return;
    }
  } catch (error) {
    log("error", "certificates_not_fetched", {
      requestId,
      merchant: id,
      error: describe(error),
    });
  }
}
