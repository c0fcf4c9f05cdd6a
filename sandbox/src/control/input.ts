import type { Context } from "hono";
import type { z } from "zod";
import { parseJson } from "../protocol/text.ts";
import { err, ok, type Result } from "../result.ts";

const MAX_BODY_CHARACTERS = 64 * 1024;

/**
 * Reads and validates a JSON body, regardless of its content type. An empty body counts as `{}`. The error
 * is a 400 response `{error, fields?}` that names each invalid field.
 */
export async function readInput<T>(c: Context, schema: z.ZodType<T>): Promise<Result<T, Response>> {
  const text = await c.req.text();
  if (text.length > MAX_BODY_CHARACTERS) return badRequest(c, { error: "the body is too large" });
  const json = parseJson(text.trim() === "" ? "{}" : text);
  if (json === null) return badRequest(c, { error: "the body is not JSON" });
  const parsed = schema.safeParse(json.value);
  if (parsed.success) return ok(parsed.data);
  const fields = parsed.error.issues.map((issue) => ({
    field: issue.path.join("."),
    message: issue.message,
  }));
  return badRequest(c, { error: "the body is malformed", fields });
}

function badRequest(c: Context, body: Readonly<Record<string, unknown>>): Result<never, Response> {
  return err(c.json(body, 400));
}
