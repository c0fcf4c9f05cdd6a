import { Hono } from "hono";
import { adviceOn } from "../domain/incidents.ts";
import { findIncident, listIncidents, resolveIncident } from "../db/incidents.ts";
import type { IncidentRow } from "../db/incidents.ts";
import type { GatewayEnv } from "../env.ts";
import { log } from "../observability/log.ts";
import { conflict, notFound, refuse } from "./errors.ts";
import { checked, readBody } from "./body.ts";
import { incidentQuery, resolution } from "./incident-schema.ts";
import { pageOf } from "./page.ts";

const ABSENT = notFound("There is no incident with this id.");
const INCIDENT = "/:id{[1-9][0-9]{0,14}}";

/** `/admin/incidents`: what a person has to look at, each with what to do about it. */
export const incidentRoutes = new Hono<GatewayEnv>();

incidentRoutes.get("/", async (c) => {
  const query = checked(c.req.query(), incidentQuery);
  if (!query.ok) return refuse(c, query.error);
  const { limit, cursor, ...filter } = query.value;
  const found = await listIncidents(c.get("work").db, filter, cursor, limit + 1);
  return c.json(pageOf(found.map(advised), limit));
});

incidentRoutes.get(INCIDENT, async (c) => {
  const incident = await findIncident(c.get("work").db, Number(c.req.param("id")));
  return incident === null ? refuse(c, ABSENT) : c.json(advised(incident));
});

incidentRoutes.post(`${INCIDENT}/resolve`, async (c) => {
  const body = await readBody(c.req.raw, resolution);
  if (!body.ok) return refuse(c, body.error);
  const db = c.get("work").db;
  const id = Number(c.req.param("id"));
  const resolved = await resolveIncident(db, id, body.value.note, Date.now());
  if (resolved === null) {
    return (await findIncident(db, id)) === null
      ? refuse(c, ABSENT)
      : refuse(c, conflict("This incident is resolved already."));
  }
  log("info", "incident_resolved", {
    requestId: c.get("requestId"),
    incident: id,
    kind: resolved.kind,
    subject: resolved.subject,
  });
  return c.json(advised(resolved));
});

function advised(incident: IncidentRow) {
  return { ...incident, advice: adviceOn(incident.kind) };
}
