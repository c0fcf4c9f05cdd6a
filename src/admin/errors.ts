import type { Context } from "hono";
import type { GatewayEnv } from "../env.ts";

/** The admin API's errors and their HTTP statuses. */
const STATUSES = {
  invalid: 400,
  unauthorized: 401,
  not_found: 404,
  conflict: 409,
  too_many_requests: 429,
  internal: 500,
} as const;

/** An invalid field of a request. */
export interface FieldFault {
  /** The field's name, with dots when nested; empty for the body as a whole. */
  readonly path: string;
  /** What is expected, without the value: it may be a secret. */
  readonly message: string;
}

/** An error for the operator to read. Never contains a secret. */
export interface AdminError {
  readonly code: keyof typeof STATUSES;
  readonly message: string;
  readonly fields: readonly FieldFault[];
}

/** 400: the request as a whole is malformed. */
export function invalid(message: string): AdminError {
  return { code: "invalid", message, fields: [] };
}

/** 400: these fields of the request are invalid. */
export function validationFailed(...fields: readonly FieldFault[]): AdminError {
  return { code: "invalid", message: "Validation failed.", fields };
}

/** 404: the resource doesn't exist. */
export function notFound(message: string): AdminError {
  return { code: "not_found", message, fields: [] };
}

/** 409: the request contradicts the stored state. */
export function conflict(message: string, fields: readonly FieldFault[] = []): AdminError {
  return { code: "conflict", message, fields };
}

/** Responds with an error in the admin API's format. */
export function refuse(c: Context<GatewayEnv>, error: AdminError): Response {
  return c.json({ error }, STATUSES[error.code]);
}
