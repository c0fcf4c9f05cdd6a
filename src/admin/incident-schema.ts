import * as z from "zod";
import { INCIDENT_KINDS } from "../domain/incidents.ts";
import { descendingPage, wholeNumber } from "./query-schema.ts";

/** `?…` of GET /admin/incidents; the open ones unless it says otherwise. */
export const incidentQuery = z.strictObject({
  state: z.enum(["open", "resolved"], { error: "must be open or resolved" }).default("open"),
  kind: z.enum(INCIDENT_KINDS, { error: `must be one of ${INCIDENT_KINDS.join(", ")}` }).optional(),
  merchantId: wholeNumber.optional(),
  orderNumber: z.string().max(64, { error: "must have at most 64 characters" }).optional(),
  ...descendingPage,
});

const NOTE = "must have 1 to 500 characters, no control character but line breaks";

/** Body of POST /admin/incidents/:id/resolve. */
export const resolution = z.strictObject({
  note: z
    .string({ error: (issue) => (issue.input === undefined ? "is required" : NOTE) })
    .trim()
    // Half a surrogate pair has no UTF-8 form: it would be stored as something else.
    .regex(/^(?:[^\p{Cc}\p{Cs}]|\r?\n){1,500}$/u, { error: NOTE }),
});
