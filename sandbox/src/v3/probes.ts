import { createHash } from "node:crypto";
import type { ApiRequest, IncomingCall } from "./admit.ts";

/** What tells a repeat of a call: everything but the time, the nonce and the signature. */
export function fingerprint(
  { method, target }: IncomingCall,
  { merchant, body }: ApiRequest,
): string {
  const all = [merchant.mchId, method, target, body].join("\n");
  return createHash("sha256").update(all, "utf8").digest("hex");
}

/** Remembers that the reply to a call is a signature probe. */
export function noteProbe(sql: SqlStorage, request: string): void {
  sql.exec("insert or ignore into probes (request) values (?)", request);
}

/** Whether the last reply to the same call was a probe: then this one is not. Forgets it. */
export function takeProbe(sql: SqlStorage, request: string): boolean {
  const known = sql.exec("delete from probes where request = ? returning request", request);
  return [...known].length > 0;
}
