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

/** Reads a stored list of texts; anything else in the column is a bug and throws. */
export function readStrings(text: string): string[] {
  return strings.parse(JSON.parse(text));
}

/** Reads stored parameters; anything else in the column is a bug and throws. */
export function readParams(text: string): Record<string, string> {
  return params.parse(JSON.parse(text));
}

/** Reads the stored terms of an order; anything else in the column is a bug and throws. */
export function readTerms(text: string): OrderTerms {
  return terms.parse(JSON.parse(text));
}
