import type { Context } from "hono";
import type { z } from "zod";
import { parseJson } from "../protocol/text.ts";

export type Input<T> = { ok: true; value: T } | { ok: false; response: Response };

const BODY_LIMIT_CHARACTERS = 64 * 1024;

/**
 * Reads a JSON body whatever its content type says; an empty one counts as `{}`. On failure the
 * response is a 400 `{error, fields?}` that names each field at fault.
 */
export async function readInput<T>(c: Context, schema: z.ZodType<T>): Promise<Input<T>> {
  const text = await c.req.text();
  if (text.length > BODY_LIMIT_CHARACTERS) return bad(c, { error: "the body is too large" });
  const json = parseJson(text.trim() === "" ? "{}" : text);
  if (json === undefined) return bad(c, { error: "the body is not JSON" });
  const parsed = schema.safeParse(json.value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const fields = parsed.error.issues.map((issue) => ({
    field: issue.path.join("."),
    message: issue.message,
  }));
  return bad(c, { error: "the body is malformed", fields });
}

function bad<T>(c: Context, body: Record<string, unknown>): Input<T> {
  return { ok: false, response: c.json(body, 400) };
}
