import { refused, type Refusal } from "./answers.ts";

/** A field of a request: whether it must be there, and what is wrong with a value of it, if anything. */
export interface Field {
  required?: true;
  fault(name: string, value: string): string | undefined;
}

/** The fields of a call. Any other is refused: a real field that WeChat renamed is a misspelling. */
export interface FieldTable {
  fields: Readonly<Record<string, Field>>;
  /** One of these must be there. */
  oneOf?: readonly string[];
}

/**
 * Checks the parameters of a call, which hold no empty values. Returns WeChat's refusal for the
 * first fault: PARAM_ERROR for an unknown name or a malformed value, LACK_PARAMS for an absent one.
 */
export function checkFields(
  table: FieldTable,
  params: ReadonlyMap<string, string>,
): Refusal | undefined {
  for (const name of params.keys()) {
    if (!Object.hasOwn(table.fields, name)) return refused("PARAM_ERROR", `不识别的参数${name}`);
  }
  for (const [name, field] of Object.entries(table.fields)) {
    const value = params.get(name);
    if (value === undefined) {
      if (field.required) return refused("LACK_PARAMS", `缺少参数${name}`);
      continue;
    }
    const fault = field.fault(name, value);
    if (fault !== undefined) return refused("PARAM_ERROR", fault);
  }
  if (table.oneOf !== undefined && !table.oneOf.some((name) => params.has(name))) {
    return refused("LACK_PARAMS", `缺少参数${table.oneOf.join("或")}`);
  }
  return undefined;
}

/** The same field, now required. */
export function required(field: Field): Field {
  return { ...field, required: true };
}

/** At most `max` characters. */
export function characters(max: number): Field {
  return { fault: (name, value) => (value.length > max ? tooLong(name) : undefined) };
}

/** At most `max` bytes of UTF-8: the safe reading of WeChat's limits for text. */
export function bytes(max: number): Field {
  return {
    fault: (name, value) => (Buffer.byteLength(value, "utf8") > max ? tooLong(name) : undefined),
  };
}

/** A value that a pattern describes, its length included. */
export function pattern(shape: RegExp): Field {
  return { fault: (name, value) => (shape.test(value) ? undefined : invalid(name)) };
}

/** One of these values, to the letter. */
export function choice(...values: string[]): Field {
  return { fault: (name, value) => (values.includes(value) ? undefined : invalid(name)) };
}

/** A whole number in plain decimal digits, within WeChat's 32 bits. */
export function wholeNumber(min: number): Field {
  return {
    fault: (name, value) =>
      /^(0|[1-9]\d{0,9})$/.test(value) && Number(value) >= min && Number(value) <= 2 ** 31 - 1
        ? undefined
        : invalid(name),
  };
}

/** A value that `accepts` says yes to. */
export function satisfying(accepts: (value: string) => boolean): Field {
  return { fault: (name, value) => (accepts(value) ? undefined : invalid(name)) };
}

function tooLong(name: string): string {
  return `${name}参数长度有误`;
}

function invalid(name: string): string {
  return `invalid ${name}`;
}
