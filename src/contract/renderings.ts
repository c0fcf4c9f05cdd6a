import { concatenate } from "../lib/bytes.ts";
import type { Parameters } from "./parameter-set.ts";

/** How a library encodes the values of a query string. Letters, digits and `-_.` stay unescaped. */
interface Rendering {
  /** Libraries that encode this way. */
  readonly by: string;
  readonly space: "+" | "%20";
  /**
   * Which other ASCII characters stay unescaped; every other byte of UTF-8 becomes `%XX`. Never `&`, `%`
   * or `+`, which would stand for something else. `=` is safe in a value: no name holds one.
   */
  readonly bare: string;
}

/** PHP's `http_build_query` by default; also the gateway's own rendering. */
const PHP: Rendering = { by: "PHP http_build_query", space: "+", bare: "" };

/**
 * Contract: signature. "http query string" means something different in each language, and existing
 * apps use all of these. The same decoder decodes every row (`+` is a space, then percent-decode, in
 * either case of hex), so accepting them all never lets one string represent two sets of parameters.
 *
 * Spring, and hutool in a URL, leave `+` bare too: of them a value with `+` isn't accepted.
 *
 * In the order in which they are tried. Rows that differ only in characters that a request doesn't
 * have are one row for it.
 */
const RENDERINGS: readonly Rendering[] = [
  PHP,
  { by: "Java URLEncoder, JS URLSearchParams, Ruby encode_www_form", space: "+", bare: "*" },
  { by: "Python urlencode, Go url.Values.Encode, Ruby CGI.escape", space: "+", bare: "~" },
  { by: "Java URLEncoder with the tilde restored", space: "+", bare: "*~" },
  { by: "npm qs, RFC1738 format", space: "+", bare: "()~" },
  { by: ".NET WebUtility.UrlEncode", space: "+", bare: "!()*" },
  { by: "jQuery form data", space: "+", bare: "!'()*~" },
  { by: "PHP rawurlencode, Python quote, npm qs", space: "%20", bare: "~" },
  { by: "Python quote with its default safe characters", space: "%20", bare: "~/" },
  { by: "Python 2 quote, PHP before 5.3", space: "%20", bare: "" },
  { by: "Java URLEncoder with + replaced", space: "%20", bare: "*" },
  { by: "Java URLEncoder with + replaced and the tilde restored", space: "%20", bare: "*~" },
  { by: ".NET WebUtility.UrlEncode with + replaced", space: "%20", bare: "!()*" },
  {
    by: "encodeURIComponent rebuilt on Java URLEncoder, tilde forgotten",
    space: "%20",
    bare: "!'()*",
  },
  { by: "JS encodeURIComponent, Node querystring.stringify", space: "%20", bare: "!'()*~" },
  { by: "axios", space: "+", bare: "!'()*~:$," },
  { by: "axios 1.7 and before", space: "+", bare: "!'()*~:$,[]" },
  { by: "axios 0.19 and before", space: "+", bare: "!'()*~:$,[]@" },
  { by: "Java Spring UriComponents", space: "%20", bare: "!'()*~:$,;@/?" },
  { by: "Java hutool, in a URL", space: "%20", bare: "!'()*~:$,;@/?=" },
  { by: "Java hutool, in a form", space: "+", bare: "!'()*~:$,;@/?=" },
];

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The characters that some rows leave bare and others escape. */
const VARYING = new Set(RENDERINGS.flatMap(({ bare }) => bare.split("")));

/** No row escapes these. */
const UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

const SPACE = 0x20;
const PERCENT = 0x25;
const AMPERSAND = 0x26;
const PLUS = 0x2b;

/** `%XX`. */
const MAX_WIDTH = 3;

/** The two digits of `%XX`, for each byte. */
interface HexDigits {
  readonly high: Uint8Array;
  readonly low: Uint8Array;
}

const UPPER_CASE = hexDigits("0123456789ABCDEF");
/** As .NET's HttpUtility.UrlEncode writes. Tried last. */
const LOWER_CASE = hexDigits("0123456789abcdef");

/** What a row writes for each byte: how many bytes, and the first of them. */
interface EscapeTable {
  readonly first: Uint8Array;
  readonly width: Uint8Array;
}

const PHP_TABLE = escapeTable(PHP);
const ROWS = RENDERINGS.map((rendering) => ({ rendering, table: escapeTable(rendering) }));

/** A parameter in bytes: `name=`, and before all but the first a `&`. Names are ASCII. */
interface EncodedPair {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/**
 * The distinct strings that an app may have signed, as UTF-8: without `sign`, names in byte order. One
 * string for plain ASCII text. The values must be well-formed Unicode, as `readParameters` ensures.
 *
 * Lazy, and bytes throughout: an unverified caller decides how much there is to escape, and how often.
 */
export function* signedStrings(parameters: Parameters): Generator<Uint8Array<ArrayBuffer>> {
  const pairs = encodePairs(signedPairs(parameters));
  const occurring = bytesIn(pairs);
  const varying = [...VARYING].filter((character) => occurring[character.charCodeAt(0)] === 1);
  const rows = new Map(
    ROWS.map((row) => [differenceOf(row.rendering, varying, occurring[SPACE] === 1), row.table]),
  );
  for (const table of rows.values()) yield escape(pairs, table, UPPER_CASE);
  if (isPlain(occurring) && !ROWS.some(({ table }) => leavesAll(table, occurring))) {
    yield join(pairs);
  }
  for (const table of rows.values()) {
    if (writesLetters(table, occurring)) yield escape(pairs, table, LOWER_CASE);
  }
}

/** All `signedStrings` as text. */
export function renderings(parameters: Parameters): readonly string[] {
  return Array.from(signedStrings(parameters), (bytes) => decoder.decode(bytes));
}

/** The string that the gateway signs: PHP's rendering, without `sign`, names sorted. */
export function renderForSigning(parameters: Parameters): string {
  return renderAsPhp(signedPairs(parameters));
}

/** Renders all parameters in their own order, as PHP's `http_build_query` does. */
export function renderPhp(parameters: Parameters): string {
  return renderAsPhp([...parameters]);
}

type Pairs = readonly (readonly [string, string])[];

function renderAsPhp(pairs: Pairs): string {
  return decoder.decode(escape(encodePairs(pairs), PHP_TABLE, UPPER_CASE));
}

/** Names are ASCII, for which the default order by UTF-16 units is the order by bytes. */
function signedPairs(parameters: Parameters): Pairs {
  return [...parameters.keys()]
    .filter((name) => name !== "sign")
    .toSorted()
    .map((name) => [name, parameters.get(name) ?? ""]);
}

function encodePairs(pairs: Pairs): readonly EncodedPair[] {
  return pairs.map(([name, value], at) => ({
    name: encoder.encode(at === 0 ? `${name}=` : `&${name}=`),
    value: encoder.encode(value),
  }));
}

/** By byte, 1: it occurs in a value. */
function bytesIn(pairs: readonly EncodedPair[]): Uint8Array {
  const occurring = new Uint8Array(256);
  for (const { value } of pairs) {
    for (let at = 0; at < value.length; at += 1) occurring[value[at] ?? 0] = 1;
  }
  return occurring;
}

/** What tells a row from the others for these characters: equal for rows that give one string. */
function differenceOf(
  { space, bare }: Rendering,
  varying: readonly string[],
  hasSpace: boolean,
): string {
  const kept = varying.filter((character) => bare.includes(character)).join("");
  return hasSpace ? `${space} ${kept}` : kept;
}

/**
 * Whether unescaped values are unambiguous. With `&`, `a=1&b=2` could be one parameter or two; with
 * `%` or `+`, `a=%26` could be three characters or an `&`, and `a=b+c` could contain a space.
 */
function isPlain(occurring: Uint8Array): boolean {
  return [AMPERSAND, PERCENT, PLUS].every((byte) => occurring[byte] === 0);
}

/** Whether the row writes each of these bytes as it is: its string is then the unescaped text. */
function leavesAll({ first }: EscapeTable, occurring: Uint8Array): boolean {
  return occurring.every((occurs, byte) => occurs === 0 || first[byte] === byte);
}

/** Whether the row escapes one of these bytes to digits that have an upper and a lower case. */
function writesLetters({ width }: EscapeTable, occurring: Uint8Array): boolean {
  return occurring.some((occurs, byte) => {
    const differs =
      UPPER_CASE.high[byte] !== LOWER_CASE.high[byte] ||
      UPPER_CASE.low[byte] !== LOWER_CASE.low[byte];
    return occurs === 1 && differs && width[byte] === MAX_WIDTH;
  });
}

/** Without a branch for each byte, which strangers would make hard to predict. */
function escape(
  pairs: readonly EncodedPair[],
  { first, width }: EscapeTable,
  { high, low }: HexDigits,
): Uint8Array<ArrayBuffer> {
  const escaped = new Uint8Array(
    pairs.reduce((size, { name, value }) => size + name.length + MAX_WIDTH * value.length, 0),
  );
  let end = 0;
  for (const { name, value } of pairs) {
    escaped.set(name, end);
    end += name.length;
    // Not for-of: an iterator over bytes is several times slower.
    for (let at = 0; at < value.length; at += 1) {
      const byte = value[at] ?? 0;
      escaped[end] = first[byte] ?? 0;
      // Overwritten by the next byte when this one stays as it is.
      escaped[end + 1] = high[byte] ?? 0;
      escaped[end + 2] = low[byte] ?? 0;
      end += width[byte] ?? 0;
    }
  }
  return escaped.subarray(0, end);
}

function join(pairs: readonly EncodedPair[]): Uint8Array<ArrayBuffer> {
  return concatenate(pairs.flatMap(({ name, value }) => [name, value]));
}

function escapeTable({ space, bare }: Rendering): EscapeTable {
  const kept = byteSet(UNRESERVED + bare);
  const first = kept.map((isKept, byte) => (isKept === 1 ? byte : PERCENT));
  const width = kept.map((isKept) => (isKept === 1 ? 1 : MAX_WIDTH));
  if (space === "+") {
    first[SPACE] = PLUS;
    width[SPACE] = 1;
  }
  return { first, width };
}

function byteSet(characters: string): Uint8Array {
  const bytes = new Uint8Array(256);
  for (const byte of encoder.encode(characters)) bytes[byte] = 1;
  return bytes;
}

function hexDigits(text: string): HexDigits {
  const digits = encoder.encode(text);
  return {
    high: new Uint8Array(256).map((_, byte) => digits[byte >> 4] ?? 0),
    low: new Uint8Array(256).map((_, byte) => digits[byte & 15] ?? 0),
  };
}
