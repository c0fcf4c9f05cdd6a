import { err, ok, type Result } from "../../lib/result.ts";
import type { RequestSignatureFault } from "./fault.ts";
import { serializeInnerList, type InnerList } from "./structured-fields.ts";

/** The part of a request that a signature can cover, apart from the body. */
export interface RequestMessage {
  readonly method: string;
  /** Path and query as sent, without the origin: `/api/order?x=1`. */
  readonly target: string;
  readonly headers: Headers;
  /** Where apps reach the gateway. The authority and the scheme come from here. */
  readonly publicUrl: string;
}

/**
 * A header field's name, lower-case as RFC 9421, 2.1 demands, and safe to quote in a response. No
 * registered field uses the other characters of a token.
 */
const FIELD_NAME = /^[a-z0-9][a-z0-9_.-]{0,63}$/;

/** A method, which is a token (RFC 9110, 5.6.2). */
const METHOD = /^[\w!#$%&'*+.^`|~-]+$/;

/** A target in origin form (RFC 9112, 3.2.1): visible ASCII, no fragment. */
const TARGET = /^\/[\x21\x22\x24-\x7e]*$/;

/**
 * Visible ASCII, spaces and tabs. Refuses line breaks, with which one value could pass for several
 * lines of the signature base (RFC 9421, 7.5.5), and other bytes, which runtimes decode differently.
 */
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;

/**
 * The names of the components that a signature covers. RFC 9421, 2: each is a lower-case string that
 * occurs once. Parameters are refused: `;req`, `;tr`, `;sf`, `;bs` and `;key` change which value is
 * signed, so a component with one doesn't protect the value that the gateway uses.
 */
export function readComponents({
  items,
}: InnerList): Result<ReadonlySet<string>, RequestSignatureFault> {
  const names = new Set<string>();
  for (const { value, parameters } of items) {
    if (value.type !== "string" || parameters.size > 0 || !isSupported(value.value)) {
      return err({ kind: "component-unsupported" });
    }
    if (names.has(value.value)) return err({ kind: "component-repeated" });
    names.add(value.value);
  }
  return ok(names);
}

/** What a signature covers: its inner list in `Signature-Input`, and the list's components as read. */
export interface Coverage {
  readonly input: InnerList;
  /** From `readComponents`. */
  readonly components: ReadonlySet<string>;
}

/**
 * Builds the signature base (RFC 9421, 2.5): a line for each covered component in the signature's
 * own order, then the canonical text of `Signature-Input`'s inner list.
 */
export function signatureBase(
  message: RequestMessage,
  { input, components }: Coverage,
): Result<string, RequestSignatureFault> {
  if (!METHOD.test(message.method) || !TARGET.test(message.target)) {
    return err({ kind: "component-value" });
  }
  const lines: string[] = [];
  for (const name of components) {
    const value = componentValue(message, name);
    if (value === null) return err({ kind: "covered-field-missing", field: name });
    if (!FIELD_VALUE.test(value)) return err({ kind: "component-value" });
    lines.push(`"${name}": ${value}`);
  }
  return ok([...lines, `"@signature-params": ${serializeInnerList(input)}`].join("\n"));
}

type Derive = (message: RequestMessage) => string;

/** RFC 9421, 2.2: the derived components that a request has without parameters. */
const DERIVED: ReadonlyMap<string, Derive> = new Map<string, Derive>([
  ["@method", ({ method }) => method],
  ["@authority", ({ publicUrl }) => new URL(publicUrl).host],
  ["@scheme", ({ publicUrl }) => new URL(publicUrl).protocol.slice(0, -1)],
  ["@target-uri", ({ publicUrl, target }) => new URL(publicUrl).origin + target],
  ["@request-target", ({ target }) => target],
  ["@path", ({ target }) => target.slice(0, queryStart(target))],
  // RFC 9421, 2.2.7: includes the question mark, which is the whole value when there is no query.
  ["@query", ({ target }) => target.slice(queryStart(target)) || "?"],
]);

function queryStart(target: string): number {
  const at = target.indexOf("?");
  return at === -1 ? target.length : at;
}

function isSupported(name: string): boolean {
  return DERIVED.has(name) || FIELD_NAME.test(name);
}

/** Null for a header field that the request doesn't have; an empty one has an empty value. */
function componentValue(message: RequestMessage, name: string): string | null {
  const derive = DERIVED.get(name);
  // RFC 9421, 2.1: `Headers` has trimmed the lines of one field and joined them with a comma and a space.
  return derive === undefined ? message.headers.get(name) : derive(message);
}
