import type { Params } from "../rules/repeat.ts";

// Neither belongs to the business: they differ from call to call.
const PROTOCOL_PARAMS = new Set(["nonce_str", "sign", "sign_type"]);

/** The parameters that a repeat of the same call must carry unchanged. */
export function businessParams(params: ReadonlyMap<string, string>): Params {
  return Object.fromEntries([...params].filter(([name]) => !PROTOCOL_PARAMS.has(name)));
}
