import type { Context } from "hono";
import type { GatewayEnv } from "../env.ts";

/** The back-office's errors and their HTTP statuses. */
const STATUSES = {
  invalid: 400,
  unauthorized: 401,
  not_found: 404,
  conflict: 409,
  internal: 500,
} as const;

/** One value of a request that is at fault. */
export interface FieldFault {
  /** Its name; with dots when nested; empty for the body as a whole. */
  readonly path: string;
  /** What is expected, without the value given: it may be a secret. */
  readonly message: string;
}

/** A "no" of the back-office, for a person to read. Never holds a secret. */
export interface AdminError {
  readonly code: keyof typeof STATUSES;
  readonly message: string;
  readonly fields: readonly FieldFault[];
}

/** 400: the request is at fault, in these fields. */
export function invalid(message: string, fields: readonly FieldFault[] = []): AdminError {
  return { code: "invalid", message, fields };
}

/** 404: there is no such thing. */
export function notFound(message: string): AdminError {
  return { code: "not_found", message, fields: [] };
}

/** 409: what is stored forbids it. */
export function conflict(message: string, fields: readonly FieldFault[] = []): AdminError {
  return { code: "conflict", message, fields };
}

/** Answers with an error in the shape that all of the back-office's errors have. */
export function refuse(c: Context<GatewayEnv>, error: AdminError): Response {
  return c.json({ error }, STATUSES[error.code]);
}
