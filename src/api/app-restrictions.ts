import type { Parameters } from "../contract/parameters.ts";
import { badRequest, type Refusal } from "../contract/refusal.ts";
import { isInRanges } from "../domain/address-range.ts";
import type { AppSettings } from "../settings/unseal.ts";
import { mustBeSigned, type Endpoint } from "./request-signature.ts";

/** The app's own number for what an endpoint makes, and the setting that demands it. */
const NUMBERS = {
  "create-order": { parameter: "appOrderNo", setting: "requireAppOrderNo" },
  "refund-money": { parameter: "appRefundNo", setting: "requireAppRefundNo" },
  "close-order": null,
  order: null,
} as const satisfies Readonly<Record<Endpoint, object | null>>;

/** Refuses a caller whose address the app doesn't allow; null for any other. */
export function addressRefusal({ allowedAddresses }: AppSettings, address: string): Refusal | null {
  if (allowedAddresses === null || isInRanges(allowedAddresses, address)) return null;
  return badRequest(
    `该应用不接受来自 ${address} 的请求，须在 allowedAddresses 之内`,
    "wrong-address",
  );
}

/**
 * Refuses a request that must have a number of the app's own and has none; null for any other. With the
 * number, a replayed request is a repeat: it makes no second order or refund. A request signed by
 * RFC 9421 must have it because the gateway keeps no nonces.
 */
export function numberRefusal(
  endpoint: Endpoint,
  app: AppSettings,
  parameters: Parameters,
): Refusal | null {
  const number = NUMBERS[endpoint];
  if (number === null || (parameters.get(number.parameter) ?? "") !== "") return null;
  const { parameter, setting } = number;
  const isSigned = mustBeSigned(app.requestSignature, endpoint);
  if (!isSigned && !app[setting]) return null;
  const why = isSigned ? "请求签名" : setting;
  return badRequest(`${parameter} 必传：该应用启用了${isSigned ? "" : " "}${why}`, {
    fault: "missing",
    parameter,
  });
}
