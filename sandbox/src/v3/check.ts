import type { z } from "zod";
import { problem, type Detail, type Problem } from "./answers.ts";

export type Checked<T> = { ok: true; value: T } | { ok: false; problem: Problem };

// WeChat's own numbers for a parameter that is not documented, and for any other that is wrong.
const EXTRA_PARAMETER = 270924358;

/** Checks what a request says; the problem names the first fault, by JSON pointer in a body. */
export function check<T>(
  schema: z.ZodType<T>,
  value: unknown,
  location: "body" | "query" | "uri",
): Checked<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw new Error("a refusal without a reason");
  if (issue.code === "unrecognized_keys") {
    const path = [...issue.path, issue.keys[0] ?? ""];
    const field = pointer(path);
    return wrong(`不支持的参数${field}`, EXTRA_PARAMETER, {
      field,
      value: valueAt(value, path),
      issue: "parameter is not documented",
      location,
    });
  }
  const field = pointer(issue.path);
  const at = valueAt(value, issue.path);
  return wrong(`参数错误${field}: ${issue.message}`, undefined, {
    field,
    ...(at === undefined ? {} : { value: at }),
    issue: issue.message,
    location,
  });
}

function wrong<T>(message: string, number: number | undefined, detail: Detail): Checked<T> {
  const more = number === undefined ? { detail } : { number, detail };
  return { ok: false, problem: problem("PARAM_ERROR", message, more) };
}

/** `/amount/total`, as WeChat's `detail.field` has it (RFC 6901). */
function pointer(path: readonly PropertyKey[]): string {
  return path
    .map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, part) =>
      typeof inner === "object" && inner !== null ? Reflect.get(inner, part) : undefined,
    value,
  );
}
