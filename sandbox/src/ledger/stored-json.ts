import { z } from "zod";

const strings = z.array(z.string());
const params = z.record(z.string(), z.string());

/** Reads a stored list of texts; anything else in the column is a bug and throws. */
export function readStrings(text: string): string[] {
  return strings.parse(JSON.parse(text));
}

/** Reads stored parameters; anything else in the column is a bug and throws. */
export function readParams(text: string): Record<string, string> {
  return params.parse(JSON.parse(text));
}
