import { Hono } from "hono";
import * as z from "zod";
import { adviceOn, INCIDENT_KINDS } from "../domain/incidents.ts";
import {
  findIncident,
  INCIDENT_STATES,
  listIncidents,
  resolveIncident,
  type IncidentRow,
} from "../db/incidents.ts";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { conflict, notFound, refuse } from "./errors.ts";
import { validate, readBody } from "./body.ts";
import { mustBe, requiredOr } from "./common-schema.ts";
import { descendingPage, pageOf, wholeNumber } from "./page.ts";
import { BY_ID } from "./paths.ts";

/** Query of GET /admin/incidents; lists open incidents by default. */
const incidentQuery = z.strictObject({
  state: z.enum(INCIDENT_STATES, { error: mustBe(INCIDENT_STATES) }).default("open"),
  kind: z.enum(INCIDENT_KINDS, { error: `must be one of ${INCIDENT_KINDS.join(", ")}` }).optional(),
  merchantId: wholeNumber.optional(),
  orderNumber: z.string().max(64, { error: "must have at most 64 characters" }).optional(),
  ...descendingPage,
});

const NOTE = "must have 1 to 500 characters and no control characters except line breaks";

/** Body of POST /admin/incidents/:id/resolve. */
const resolution = z.strictObject({
  note: z
    .string({ error: requiredOr(NOTE) })
    .trim()
    // A lone surrogate has no UTF-8 form: it would be stored as another character.
    .regex(/^(?:[^\p{Cc}\p{Cs}]|\r?\n){1,500}$/u, { error: NOTE }),
});

const ABSENT = notFound("There is no incident with this id.");

/** `/admin/incidents`: problems for the operator, each with advice. */
export const incidentRoutes = new Hono<GatewayEnv>();

incidentRoutes.get("/", async (c) => {
  const query = validate(c.req.query(), incidentQuery);
  if (!query.ok) return refuse(c, query.error);
  const { limit, cursor, ...filter } = query.value;
  const found = await listIncidents(c.get("work").db, filter, cursor, limit + 1);
  return c.json(pageOf(found.map(withAdvice), limit));
});

incidentRoutes.get(BY_ID, async (c) => {
  const incident = await findIncident(c.get("work").db, Number(c.req.param("id")));
  return incident === null ? refuse(c, ABSENT) : c.json(withAdvice(incident));
});

incidentRoutes.post(`${BY_ID}/resolve`, async (c) => {
  const body = await readBody(c.req.raw, resolution);
  if (!body.ok) return refuse(c, body.error);
  const db = c.get("work").db;
  const id = Number(c.req.param("id"));
  const resolved = await resolveIncident(db, id, body.value.note, Date.now());
  if (resolved === null) {
    return (await findIncident(db, id)) === null
      ? refuse(c, ABSENT)
      : refuse(c, conflict("This incident is already resolved."));
  }
  log("info", "incident_resolved", {
    requestId: c.get("requestId"),
    incident: id,
    kind: resolved.kind,
    subject: resolved.subject,
  });
  return c.json(withAdvice(resolved));
});

function withAdvice(incident: IncidentRow) {
  return { ...incident, advice: adviceOn(incident.kind) };
}
