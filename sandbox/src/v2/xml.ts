/** What {@link readXml} made of a text. `reason` is for people. */
export type XmlReading =
  | { ok: true; root: string; fields: Map<string, string> }
  | { ok: false; reason: string };

const DECLARATION = /\s*<\?xml\s[^?<>]*\?>/y;
const OPENING = /\s*<([A-Za-z_][\w.-]*)\s*(\/?)>/y;
const CLOSING = /\s*<\/([A-Za-z_][\w.-]*)\s*>/y;
const CDATA = /<!\[CDATA\[([\s\S]*?)\]\]>/y;
const TEXT = /[^<]+/y;
const SPACE_TO_END = /\s*$/y;

const ENTITIES: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
};

/**
 * Reads a document of one root whose children hold text only, as every APIv2 message is.
 * Values stay strings: ids have 28 and more digits.
 *
 * Refused: DOCTYPE and ENTITY (XXE), comments, processing instructions, attributes, nesting,
 * a repeated name, an unknown entity, characters of four bytes, anything after the root.
 */
export function readXml(text: string): XmlReading {
  if (!acceptable(text)) return no("a character that WeChat Pay does not accept");
  const cursor = new Cursor(text);
  cursor.take(DECLARATION);
  const root = cursor.take(OPENING);
  if (root?.[1] === undefined) return no("no root element");
  const fields = new Map<string, string>();
  if (root[2] === "/")
    return cursor.take(SPACE_TO_END) ? yes(root[1], fields) : no("text after the root");

  for (let child = cursor.take(OPENING); child !== null; child = cursor.take(OPENING)) {
    const [, name = "", empty] = child;
    if (fields.has(name)) return no(`<${name}> is repeated`);
    const value = empty === "/" ? "" : content(cursor, name);
    if (value === undefined) return no(`<${name}> does not hold plain text`);
    fields.set(name, value);
  }
  if (cursor.take(CLOSING)?.[1] !== root[1]) return no(`<${root[1]}> is not closed`);
  if (cursor.take(SPACE_TO_END) === null) return no("text after the root");
  return yes(root[1], fields);
}

/**
 * Writes fields as WeChat Pay does: each value in CDATA, except the names in `bare`.
 * A `]]>` inside a value is split over two sections.
 */
export function writeXml(
  fields: Iterable<readonly [string, string]>,
  options: { root?: string; bare?: ReadonlySet<string> } = {},
): string {
  const { root = "xml", bare } = options;
  const lines = Array.from(fields, ([name, value]) =>
    bare?.has(name) === true
      ? `<${name}>${value}</${name}>`
      : `<${name}><![CDATA[${value.replaceAll("]]>", "]]]]><![CDATA[>")}]]></${name}>`,
  );
  return [`<${root}>`, ...lines, `</${root}>`].join("\n");
}

class Cursor {
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Matches a sticky pattern at the cursor and moves past it; null leaves the cursor alone. */
  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at += match[0].length;
    return match;
  }
}

/** The text up to the closing tag of `name`, or undefined when something else is in it. */
function content(cursor: Cursor, name: string): string | undefined {
  let value = "";
  for (;;) {
    const cdata = cursor.take(CDATA);
    if (cdata !== null) {
      value += cdata[1] ?? "";
      continue;
    }
    const text = cursor.take(TEXT);
    if (text !== null) {
      const decoded = decodeEntities(text[0]);
      if (decoded === undefined) return undefined;
      value += decoded;
      continue;
    }
    return cursor.take(CLOSING)?.[1] === name ? value : undefined;
  }
}

function decodeEntities(text: string): string | undefined {
  if (text.includes("]]>")) return undefined;
  let sound = true;
  const decoded = text.replaceAll(/&(?:[^;&]{0,10};)?/g, (entity) => {
    const character = ENTITIES[entity] ?? numericReference(entity);
    if (character === undefined || !acceptable(character)) sound = false;
    return character ?? "";
  });
  return sound ? decoded : undefined;
}

function numericReference(entity: string): string | undefined {
  const match = /^&#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}));$/.exec(entity);
  if (match === null) return undefined;
  const point = match[1] === undefined ? Number(match[2]) : Number.parseInt(match[1], 16);
  return point <= 0xffff ? String.fromCharCode(point) : undefined;
}

/**
 * Whether all characters are XML 1.0's and of one to three bytes of UTF-8, which is all that WeChat
 * Pay accepts: a character of four bytes is a pair of surrogates here.
 */
function acceptable(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const control = unit < 0x20 && unit !== 0x09 && unit !== 0x0a && unit !== 0x0d;
    const surrogate = unit >= 0xd800 && unit <= 0xdfff;
    if (control || surrogate || unit >= 0xfffe) return false;
  }
  return true;
}

function yes(root: string, fields: Map<string, string>): XmlReading {
  return { ok: true, root, fields };
}

function no(reason: string): XmlReading {
  return { ok: false, reason };
}
