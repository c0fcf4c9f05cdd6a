import type { Params } from "../rules/repeat.ts";

/** A JSON body as flat parameters, `{"amount.total": "100"}`, in which a repeat is compared. */
export function flat(value: object, prefix = ""): Params {
  const entries = Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    const path = `${prefix}${name}`;
    return typeof inner === "object" && inner !== null
      ? Object.entries(flat(inner, `${path}.`))
      : [[path, String(inner)]];
  });
  return Object.fromEntries(entries);
}
