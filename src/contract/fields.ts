import * as z from "zod";
import { badRequest, withFaults, type Fault, type Refusal } from "./refusal.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { misspeltNames, nearName, receivedInstead } from "./near-names.ts";
import type { Parameters } from "./parameter-set.ts";
import { byteLimitFault, lengthFault } from "./text.ts";

/**
 * The largest amount in fen, 21,474,836.47 yuan: WeChat's amounts are 32-bit integers. The quotas of
 * payers and merchants are far lower.
 */
export const MAX_TOTAL_FEN = 2_147_483_647;

/** Returns what is wrong with a value, in Chinese, to follow the parameter's name; null if valid. */
type Check = (value: string) => string | null;

/** A required parameter. */
export function required(check: Check) {
  return z.string({ error: "必传" }).superRefine((value, context) => {
    const message = check(value);
    if (message !== null) context.addIssue(message);
  });
}

/** An optional parameter: null when missing. */
export function optional(check: Check) {
  return required(check).nullable().default(null);
}

/** A required integer in plain decimal digits: no sign, no leading zero, no `1.0`, no `1e2`. */
export function integer(max: number, unit = "") {
  return required((value) => integerFault(value, max, unit)).transform(Number);
}

/** As `integer`, but optional: null when missing. */
export function optionalInteger(max: number, unit = "") {
  return optional((value) => integerFault(value, max, unit)).transform((value) =>
    value === null ? null : Number(value),
  );
}

/** An id assigned by the gateway. */
export const id = integer(Number.MAX_SAFE_INTEGER);

/** An app's own number for an order or a refund. */
export const appNumber = optional((value) =>
  /^[A-Za-z0-9_-]{1,64}$/.test(value) ? null : "只能由 A-Z a-z 0-9 _ - 组成，长度 1 到 64",
);

/** Contract: 1 is WeChat, 2 is Alipay; only WeChat is supported. */
export const platform = required((value) =>
  value === "1" ? null : "只能是 1（微信支付），支付宝等其它平台暂未提供",
);

/**
 * When a value is too long, by parameter. `isOversized` applies it to all parameters of an endpoint
 * before any of them is worked on; the endpoint's schema refuses the same values.
 */
export type Limits = Readonly<Record<string, Check>>;

/** A limit in characters. */
export function characters(max: number): Check {
  return (value) => lengthFault(value, max);
}

/** A limit in bytes of UTF-8. */
export function bytes(max: number): Check {
  return (value) => byteLimitFault(value, max);
}

/** A value within `limit` that passes `check`. */
export function within(limit: Check, check: Check): Check {
  return (value) => limit(value) ?? check(value);
}

/** The limit of an `id`: the digits of the largest one. */
export const ID_LIMIT = characters(String(Number.MAX_SAFE_INTEGER).length);

/** The limit of an amount: the digits of the largest one. */
export const AMOUNT_LIMIT = characters(String(MAX_TOTAL_FEN).length);

/** The limit of an `appNumber`. */
export const APP_NUMBER_LIMIT = characters(64);

/** For `superRefine` of a rule between parameters: it is checked although other parameters are invalid. */
export const BESIDE_OTHER_FAULTS = { when: () => true };

/** In such a rule: whether a parameter was not sent. An invalid one is as sent, a missing one undefined. */
export function isAbsent(value: unknown): boolean {
  return value === null || value === undefined;
}

/** Whether a value exceeds its limit. Unknown parameters have none: the body's size bounds them. */
export function isOversized(limits: Limits, parameters: Parameters): boolean {
  return Object.entries(limits).some(([name, limit]) => limit(parameters.get(name) ?? "") !== null);
}

/**
 * Validates the parameters of one endpoint. An empty value counts as missing: form libraries send
 * unset variables that way. Unknown parameters are ignored (they were signed).
 *
 * @param names the parameters that the schema knows
 * @returns on failure, a 501 that names the invalid parameters, at most `MAX_FAULTS`, and the expected
 *   values; also parameters whose name is nearly a known one that wasn't sent
 */
export function readFields<Schema extends z.ZodType>(
  schema: Schema,
  names: readonly string[],
  parameters: Parameters,
): Result<z.output<Schema>, Refusal> {
  const present = Object.fromEntries([...parameters].filter(([, value]) => value !== ""));
  const read = schema.safeParse(present);
  if (read.success) return ok(read.data);
  const issues = read.error.issues.map(({ path: [name], message }) => ({
    parameter: String(name),
    message,
  }));
  const named = new Set(issues.map(({ parameter }) => parameter));
  const misspelt = misspeltNames(
    names.filter((name) => !named.has(name)),
    names,
    parameters,
  );
  const [first, ...rest] = issues.map(({ parameter, message }): Fault => {
    const isMissing = !Object.hasOwn(present, parameter);
    const near = isMissing ? nearName(parameter, names, parameters, 1) : null;
    return {
      detail: `${parameter} ${message}${near === null ? "" : receivedInstead(near)}`,
      reason: { fault: isMissing ? "missing" : "invalid", parameter },
    };
  });
  if (first === undefined) throw new Error("a failed schema has no issue");
  return err(withFaults(badRequest(first.detail, first.reason), [...rest, ...misspelt]));
}

function integerFault(value: string, max: number, unit: string): string | null {
  if (!/^[1-9]\d*$/.test(value)) return `必须是不小于 1 的整数${unit}`;
  // Number() rounds a number with too many digits, but never down to `max` or below.
  return Number(value) > max ? `不能大于 ${max}${unit}` : null;
}
