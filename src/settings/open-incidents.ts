import type { MerchantIncidentKind } from "../domain/merchant-incidents.ts";

/** When this isolate last wrote something, Unix ms, by what it wrote. */
type Writes = Map<string, number>;

/**
 * The open incidents of merchants as this isolate knows them, so that a success costs no trip to D1
 * while nothing is open. Each load of a merchant's settings (every 60 s while it has calls) brings
 * those of other isolates.
 */
const known = new Map<number, Map<MerchantIncidentKind, Writes>>();

/** Takes over what the settings' query found open. */
export function noteOpenIncidents(
  merchantId: number,
  kinds: readonly MerchantIncidentKind[],
): void {
  const before = known.get(merchantId);
  known.set(merchantId, new Map(kinds.map((kind) => [kind, before?.get(kind) ?? new Map()])));
}

/** The incident was opened by this isolate. */
export function noteOpened(merchantId: number, kind: MerchantIncidentKind): Writes {
  const kinds = known.get(merchantId) ?? new Map<MerchantIncidentKind, Writes>();
  known.set(merchantId, kinds);
  const writes = kinds.get(kind) ?? new Map<string, number>();
  kinds.set(kind, writes);
  return writes;
}

/** The incident is resolved, or its opening failed. */
export function noteClosed(merchantId: number, kind: MerchantIncidentKind): void {
  known.get(merchantId)?.delete(kind);
}

/** The writes about an open incident; null while none is known to be open. */
export function openIncident(merchantId: number, kind: MerchantIncidentKind): Writes | null {
  return known.get(merchantId)?.get(kind) ?? null;
}
