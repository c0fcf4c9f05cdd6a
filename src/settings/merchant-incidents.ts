import { waitUntil } from "cloudflare:workers";
import { recordIncident, resolveMerchantIncident } from "../db/incidents.ts";
import type { IncidentFacts } from "../domain/incidents.ts";
import {
  incidentOfAnswer,
  incidentsResolvedBy,
  merchantSubject,
  type CallAnswer,
  type MerchantIncidentKind,
} from "../domain/merchant-incidents.ts";
import { describe, log } from "../observability/log.ts";
import type { AnswerObserver } from "../wechat/instrument.ts";
import type { Merchant, Protocol } from "../wechat/types.ts";
import { noteClosed, noteOpened, openIncident } from "./open-incidents.ts";
import type { WorkContext } from "./work-context.ts";

/** An isolate writes the same about an open incident at most this often: orders fail by the hundred. */
const WRITE_INTERVAL_MS = 10_000;

/** Where an incident was seen, and where a success must happen that resolves it. */
interface Place {
  /** The call's name in the log; null for a notification. */
  readonly api: string | null;
  readonly wechatAppId: string | null;
}

const NOTIFICATION: Place = { api: null, wechatAppId: null };

type Work = Pick<WorkContext, "db" | "meter">;

/**
 * Opens and resolves a merchant's incidents by WeChat's answers to its calls, beside the answer: a
 * call costs no more time, and a trip to D1 only while something is wrong.
 */
export function observeCalls(work: Work, merchant: Merchant, protocol: Protocol): AnswerObserver {
  return ({ api, wechatAppId = null }, answer) => {
    const place = { api, wechatAppId };
    const kind = incidentOfAnswer(api, answer);
    if (kind !== null) {
      openMerchantIncident(work, merchant.id, kind, {
        ...place,
        protocol,
        code: answer.code ?? null,
      });
      return;
    }
    const hasPublicKey = protocol === "v3" && hasPublicKeyOf(merchant);
    for (const resolved of incidentsResolvedBy(api, answer satisfies CallAnswer, hasPublicKey)) {
      resolveMerchant(work, merchant.id, resolved, place);
    }
  };
}

/** A notification of APIv3 was verified and decrypted: its keys are right. */
export function resolveByNotification(work: Work, merchant: Merchant, protocol: Protocol): void {
  if (protocol !== "v3") return;
  resolveMerchant(work, merchant.id, "merchant_api_v3_key_wrong", NOTIFICATION);
  if (hasPublicKeyOf(merchant)) {
    resolveMerchant(work, merchant.id, "merchant_public_key_missing", NOTIFICATION);
  }
}

function hasPublicKeyOf({ v3 }: Merchant): boolean {
  return v3?.verifyKeys.some(({ kind }) => kind === "public-key") ?? false;
}

/** Opens an incident of a merchant, or counts it on the open one, in the background. */
export function openMerchantIncident(
  { db, meter: { requestId } }: Work,
  merchantId: number,
  kind: MerchantIncidentKind,
  facts: IncidentFacts = {},
): void {
  const nowAt = Date.now();
  if (!isDue(noteOpened(merchantId, kind), "seen", nowAt)) return;
  log("error", kind, { requestId, merchant: merchantId, ...facts });
  const incident = {
    kind,
    subject: merchantSubject(merchantId),
    merchantId,
    orderNumber: null,
    requestId: requestId ?? null,
    facts,
  };
  waitUntil(
    recordIncident(db, incident, nowAt).catch((error: unknown) => {
      // The next refusal tries again.
      noteClosed(merchantId, kind);
      logFailure(requestId, merchantId, kind, error);
    }),
  );
}

/** Resolves a merchant's incident in the background, if one is known to be open. */
function resolveMerchant(
  { db, meter: { requestId } }: Work,
  merchantId: number,
  kind: MerchantIncidentKind,
  place: Place,
): void {
  const writes = openIncident(merchantId, kind);
  const nowAt = Date.now();
  if (writes === null || !isDue(writes, `${place.api} ${place.wechatAppId}`, nowAt)) return;
  const subject = merchantSubject(merchantId);
  // A right may be missing for one call or one app only: the same must succeed.
  const where = kind === "merchant_refused" ? place : {};
  const note = "WeChat took the same kind of call again.";
  const resolve = async (): Promise<void> => {
    try {
      if (!(await resolveMerchantIncident(db, { kind, subject }, where, note, nowAt))) return;
      noteClosed(merchantId, kind);
      log("info", "incident_resolved", { requestId, kind, subject, merchant: merchantId });
    } catch (error) {
      writes.clear();
      logFailure(requestId, merchantId, kind, error);
    }
  };
  waitUntil(resolve());
}

function isDue(writes: Map<string, number>, what: string, nowAt: number): boolean {
  if (Math.abs(nowAt - (writes.get(what) ?? Number.NEGATIVE_INFINITY)) < WRITE_INTERVAL_MS) {
    return false;
  }
  writes.set(what, nowAt);
  return true;
}

function logFailure(
  requestId: string | undefined,
  merchant: number,
  kind: MerchantIncidentKind,
  error: unknown,
): void {
  log("error", "incident_not_stored", { requestId, merchant, kind, error: describe(error) });
}
