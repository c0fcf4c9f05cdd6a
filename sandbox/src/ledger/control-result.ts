import { err, type Result } from "../result.ts";

/** Why the control API refuses something; `status` is the HTTP status of the response. */
export interface ControlError {
  readonly status: 404 | 409;
  readonly message: string;
}

/** The outcome of a change through the control API. */
export type ControlResult<T> = Result<T, ControlError>;

/** Refuses a change that the current state rules out. */
export function conflict(message: string): { readonly ok: false; readonly error: ControlError } {
  return err({ status: 409, message });
}

/** Refuses a change to something that doesn't exist. */
export function notFound(message: string): { readonly ok: false; readonly error: ControlError } {
  return err({ status: 404, message });
}
