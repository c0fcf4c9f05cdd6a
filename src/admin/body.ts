import type * as z from "zod";
import { err, ok, type Result } from "../lib/result.ts";
import { readBody as readBytes } from "../lib/read-body.ts";
import { invalid, validationFailed, type AdminError, type FieldFault } from "./errors.ts";

/** A registration has about 1 KB. */
const MAX_BODY_BYTES = 64 * 1024;

const BODY_FAULTS = {
  "too large": `The body must have at most ${MAX_BODY_BYTES} bytes.`,
  "broken off": "The body broke off.",
} as const;

/** Reads and validates a JSON body. On failure: a 400 that names the fields, never their values. */
export async function readBody<T>(
  request: Request,
  schema: z.ZodType<T>,
): Promise<Result<T, AdminError>> {
  // Otherwise a page on another site could post a form that happens to parse as JSON.
  const [mediaType] = (request.headers.get("content-type") ?? "").split(";");
  if (mediaType?.trim().toLowerCase() !== "application/json") {
    return err(invalid("The Content-Type must be application/json."));
  }
  const bytes = await readBytes(request, MAX_BODY_BYTES);
  if (!bytes.ok) return err(invalid(BODY_FAULTS[bytes.error]));
  const json = parseJson(bytes.value);
  if (!json.ok) return err(invalid("The body must be JSON in UTF-8."));
  if (typeof json.value !== "object" || json.value === null || Array.isArray(json.value)) {
    return err(invalid("The body must be a JSON object."));
  }
  return validate(json.value, schema);
}

/** Validates a value. On failure: a 400 that names the fields, never their values. */
export function validate<T>(value: unknown, schema: z.ZodType<T>): Result<T, AdminError> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  return err(validationFailed(...parsed.error.issues.flatMap(faultsOf)));
}

function faultsOf(issue: z.core.$ZodIssue): FieldFault[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...issue.path, key].join("."),
      message: "is not a field of this request",
    }));
  }
  return [{ path: issue.path.join("."), message: issue.message }];
}

function parseJson(bytes: Uint8Array): Result<unknown, "malformed"> {
  try {
    return ok(
      JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes)),
    );
  } catch (error) {
    // Malformed JSON, malformed UTF-8.
    if (error instanceof SyntaxError || error instanceof TypeError) return err("malformed");
    throw error;
  }
}
