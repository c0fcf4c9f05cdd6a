import { badRequest, type Refusal } from "./refusal.ts";
import { err, ok, type Result } from "../lib/result.ts";

/**
 * An app's parameters: each name once, each value as the text that was signed. A Map, so that
 * `__proto__` is a name like any other.
 */
export type Parameters = ReadonlyMap<string, string>;

/** One name and value of the body; the name may not be valid. */
export interface Pair {
  readonly name: string;
  readonly value: string;
}

/** The contract has at most 13 parameters; unknown ones are allowed up to this limit. */
export const MAX_PARAMETERS = 64;

/**
 * Contract: signature. No `&`, `=`, `%`, `+` or bracket in a name: a signed string splits into
 * parameters in one way only, and `a[]=1` isn't an array.
 */
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** Whether `name` is a valid parameter name, and therefore safe to quote in a response. */
export function isParameterName(name: string): boolean {
  return NAME.test(name);
}

/** The refusal of an invalid name. Doesn't quote the name, which may contain anything. */
export const BAD_NAME = badRequest(
  "参数名只能由 A-Z a-z 0-9 _ . - 组成，长度 1 到 64",
  "bad-parameter-name",
);

/**
 * Builds the set of parameters. Fails for an invalid name, a repeated name (the app, a proxy and the
 * gateway might each use a different value), text that isn't well-formed Unicode, and more than
 * MAX_PARAMETERS parameters.
 */
export function collectParameters(pairs: readonly Pair[]): Result<Parameters, Refusal> {
  if (pairs.length > MAX_PARAMETERS) {
    return err(badRequest(`参数最多 ${MAX_PARAMETERS} 个`, "too-many-parameters"));
  }
  const parameters = new Map<string, string>();
  for (const { name, value } of pairs) {
    if (!isParameterName(name)) return err(BAD_NAME);
    if (parameters.has(name)) {
      const detail = `${name} 重复，每个参数只能出现一次`;
      return err(badRequest(detail, { fault: "repeated", parameter: name }));
    }
    // A lone surrogate has no UTF-8 form: encoders replace it, so different values would have the same signature.
    if (!value.isWellFormed()) {
      const detail = `${name} 含有无效的 Unicode 字符`;
      return err(badRequest(detail, { fault: "invalid", parameter: name }));
    }
    parameters.set(name, value);
  }
  return ok(parameters);
}
