import { z } from "zod";
import type { OrderTerms } from "./order-terms.ts";

const strings = z.array(z.string());
const params = z.record(z.string(), z.string());
const terms = z.object({
  description: z.string(),
  openid: z.string(),
  notifyUrl: z.string(),
  attach: z.string().nullable(),
  deviceInfo: z.string().nullable(),
});

/** Parses a stored list of strings. Throws on anything else, which would be a bug. */
export function readStrings(text: string): string[] {
  return strings.parse(JSON.parse(text));
}

/** Parses stored parameters. Throws on anything else, which would be a bug. */
export function readParams(text: string): Record<string, string> {
  return params.parse(JSON.parse(text));
}

/** Parses the stored terms of an order. Throws on anything else, which would be a bug. */
export function readTerms(text: string): OrderTerms {
  return terms.parse(JSON.parse(text));
}
