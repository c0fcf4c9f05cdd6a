import { parseBeijingCompact } from "../protocol/time.ts";
import type { Params } from "../rules/repeat.ts";
import { businessFailure, type BusinessFailure } from "./response.ts";
import { SIGN_TYPES } from "./sign.ts";

/** A parameter of a call. */
export interface FieldRule {
  readonly required?: true;
  /** Returns why the value is invalid, in WeChat's words, or null. */
  check(name: string, value: string): string | null;
}

/** The parameters of a call. All others are refused, so that misspelled names are noticed. */
export interface FieldTable {
  readonly fields: Readonly<Record<string, FieldRule>>;
  /** At least one of these is required. */
  readonly oneOf?: readonly string[];
}

/**
 * Checks the parameters of a call, none of which is empty. Returns the failure of the first invalid
 * one, or null: PARAM_ERROR for an unknown name or a malformed value, LACK_PARAMS for a missing one.
 */
export function checkFields(
  table: FieldTable,
  params: ReadonlyMap<string, string>,
): BusinessFailure | null {
  for (const name of params.keys()) {
    if (!Object.hasOwn(table.fields, name)) {
      return businessFailure("PARAM_ERROR", `不识别的参数${name}`);
    }
  }
  for (const [name, field] of Object.entries(table.fields)) {
    const value = params.get(name);
    if (value === undefined) {
      if (field.required) return businessFailure("LACK_PARAMS", `缺少参数${name}`);
      continue;
    }
    const message = field.check(name, value);
    if (message !== null) return businessFailure("PARAM_ERROR", message);
  }
  if (table.oneOf !== undefined && !table.oneOf.some((name) => params.has(name))) {
    return businessFailure("LACK_PARAMS", `缺少参数${table.oneOf.join("或")}`);
  }
  return null;
}

// These change with every call.
const PROTOCOL_PARAMS = new Set(["nonce_str", "sign", "sign_type"]);

/** The parameters that a repeat of the same call must not change. */
export function businessParams(params: ReadonlyMap<string, string>): Params {
  return Object.fromEntries([...params].filter(([name]) => !PROTOCOL_PARAMS.has(name)));
}

/** Makes a field required. */
export function required(field: FieldRule): FieldRule {
  return { ...field, required: true };
}

/** At most `max` characters. */
export function maxCharacters(max: number): FieldRule {
  return { check: (name, value) => (value.length > max ? tooLong(name) : null) };
}

/** At most `max` bytes of UTF-8: the strict reading of WeChat's limits for text. */
export function maxBytes(max: number): FieldRule {
  return {
    check: (name, value) => (Buffer.byteLength(value, "utf8") > max ? tooLong(name) : null),
  };
}

/** A value that matches a pattern, which includes its length. */
export function pattern(shape: RegExp): FieldRule {
  return { check: (name, value) => (shape.test(value) ? null : invalid(name)) };
}

/** Exactly one of these values. */
export function choice(...values: readonly string[]): FieldRule {
  return { check: (name, value) => (values.includes(value) ? null : invalid(name)) };
}

/** A whole number in plain decimal digits, within WeChat's 32 bits. */
export function wholeNumber(min: number): FieldRule {
  return {
    check: (name, value) =>
      /^(0|[1-9]\d{0,9})$/.test(value) && Number(value) >= min && Number(value) <= 2 ** 31 - 1
        ? null
        : invalid(name),
  };
}

/** A value that a predicate accepts. */
export function satisfying(accepts: (value: string) => boolean): FieldRule {
  return { check: (name, value) => (accepts(value) ? null : invalid(name)) };
}

/** The parameters that every call has. */
export const COMMON_FIELDS = {
  appid: required(pattern(/^[0-9A-Za-z]{1,32}$/)),
  mch_id: required(pattern(/^\d{1,32}$/)),
  nonce_str: required(pattern(/^[0-9A-Za-z]{1,32}$/)),
  sign: required(pattern(/^[0-9A-F]{32}([0-9A-F]{32})?$/)),
  sign_type: choice(...SIGN_TYPES),
};

// The numbers of orders and refunds: the merchant's own, and WeChat's.
export const OUT_TRADE_NO = pattern(/^[0-9A-Za-z_\-|*]{6,32}$/);
export const OUT_REFUND_NO = pattern(/^[0-9A-Za-z_\-|*@]{1,64}$/);
export const TRANSACTION_ID = pattern(/^\d{1,32}$/);
export const REFUND_ID = pattern(/^\d{1,32}$/);
/** `yyyyMMddHHmmss` in Beijing time. */
export const BEIJING_TIME = satisfying((value) => parseBeijingCompact(value) !== null);
/** A full address without a query string, at most 256 characters (W-23). */
export const NOTIFY_URL = satisfying((value) => {
  if (value.length > 256 || /[\s?#]/.test(value) || !URL.canParse(value)) return false;
  const url = new URL(value);
  return /^https?:\/\//.test(value) && url.username === "" && url.password === "";
});

function tooLong(name: string): string {
  return `${name}参数长度有误`;
}

function invalid(name: string): string {
  return `invalid ${name}`;
}
