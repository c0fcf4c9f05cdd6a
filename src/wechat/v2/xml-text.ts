const NAMED: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

const XML_TEXT = /^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]*$/u;
/** At most seven digits: the highest code point is 1114111. */
const REFERENCE = /&(?:([a-z]{2,4})|#(\d{1,7})|#x([\dA-Fa-f]{1,6}));/g;
const LAST_CODE_POINT = 0x10ffff;

const SECTION_START = "<![CDATA[";
const SECTION_END = "]]>";

/** XML 1.0, production 2: no control characters except tab and line breaks, no lone surrogates. */
export function isXmlText(text: string): boolean {
  return XML_TEXT.test(text);
}

/**
 * Replaces the five predefined entities and numeric references, once: `&amp;lt;` becomes `&lt;`.
 * Null for any other `&`, or a reference to an invalid character.
 */
export function decodeReferences(text: string): string | null {
  let decoded = "";
  let from = 0;
  for (const match of text.matchAll(REFERENCE)) {
    const before = text.slice(from, match.index);
    const character = characterOf(match[1], match[2], match[3]);
    if (before.includes("&") || character === null) return null;
    decoded += before + character;
    from = match.index + match[0].length;
  }
  const rest = text.slice(from);
  return rest.includes("&") ? null : decoded + rest;
}

function characterOf(
  name: string | undefined,
  decimal: string | undefined,
  hex: string | undefined,
): string | null {
  if (name !== undefined) return NAMED.get(name) ?? null;
  const codePoint = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
  if (codePoint > LAST_CODE_POINT) return null;
  const character = String.fromCodePoint(codePoint);
  return isXmlText(character) ? character : null;
}

/**
 * The document with each CDATA section replaced by `]`, so that its markup can be checked: `]` is
 * legal in text, but neither in a tag nor in a reference. Null when a section doesn't end.
 *
 * Searches with `indexOf`, since a lazy pattern takes quadratic time on a body of only section starts.
 */
export function maskCdata(text: string): string | null {
  let masked = "";
  let from = 0;
  for (;;) {
    const start = text.indexOf(SECTION_START, from);
    if (start === -1) return masked + text.slice(from);
    const end = text.indexOf(SECTION_END, start + SECTION_START.length);
    if (end === -1) return null;
    masked += `${text.slice(from, start)}]`;
    from = end + SECTION_END.length;
  }
}
