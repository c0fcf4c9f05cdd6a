import { badRequest, type Refusal } from "./refusal.ts";
import { err, ok, type Result } from "../lib/result.ts";

/**
 * What an app submitted: each name once, each value as the text that was signed. A Map, so that a
 * parameter called `__proto__` is a parameter like any other.
 */
export type Parameters = ReadonlyMap<string, string>;

/** One name and value in the order of the body, names not checked yet. */
export interface Pair {
  readonly name: string;
  readonly value: string;
}

/** The contract has 13 parameters at most; unknown ones are allowed, but not without end. */
export const MAX_PARAMETERS = 64;

/**
 * Contract: signature. No `&`, `=`, `%`, `+` or bracket in a name: a signed string can be cut into
 * its parameters in one way only, and `a[]=1` is no array here.
 */
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** Whether `name` may be a parameter's name, and so may be quoted in an answer. */
export function isParameterName(name: string): boolean {
  return NAME.test(name);
}

/** The answer to a name outside the pattern. The name itself may be anything, so it isn't echoed. */
export const BAD_NAME = badRequest("参数名只能由 A-Z a-z 0-9 _ . - 组成，长度 1 到 64");

/**
 * Makes the set of parameters. Fails on a name outside the pattern, on a repeated name (an app, a
 * proxy and we might each read another one of the values), on text that isn't Unicode, and on more
 * than MAX_PARAMETERS.
 */
export function collectParameters(pairs: readonly Pair[]): Result<Parameters, Refusal> {
  if (pairs.length > MAX_PARAMETERS) {
    return err(badRequest(`参数最多 ${MAX_PARAMETERS} 个`));
  }
  const parameters = new Map<string, string>();
  for (const { name, value } of pairs) {
    if (!isParameterName(name)) return err(BAD_NAME);
    if (parameters.has(name)) return err(badRequest(`${name} 重复，每个参数只能出现一次`));
    // A lone surrogate has no UTF-8 form: encoders replace it, so two values would be signed alike.
    if (!value.isWellFormed()) return err(badRequest(`${name} 含有无效的 Unicode 字符`));
    parameters.set(name, value);
  }
  return ok(parameters);
}
