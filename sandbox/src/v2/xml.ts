import { err, ok, type Result } from "../result.ts";

/** A field of a message: its name and its value. */
export type Field = readonly [string, string];

/** A message: the name of its root element, and its fields. */
export interface XmlDocument {
  readonly root: string;
  readonly fields: ReadonlyMap<string, string>;
}

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
 * Parses a document with one root whose children contain text only, like every APIv2 message. The
 * error is for people. Values stay strings, because ids have 28 digits and more.
 *
 * Refuses DOCTYPE and ENTITY (XXE), comments, processing instructions, attributes, nesting,
 * a repeated name, an unknown entity, characters of four bytes, anything after the root.
 */
export function readXml(text: string): Result<XmlDocument, string> {
  if (!isAcceptable(text)) return err("contains a character that WeChat Pay refuses");
  const cursor = new Cursor(text);
  cursor.take(DECLARATION);
  const root = cursor.take(OPENING);
  if (root?.[1] === undefined) return err("no root element");
  const fields = new Map<string, string>();
  if (root[2] === "/")
    return cursor.take(SPACE_TO_END) ? ok({ root: root[1], fields }) : err("text after the root");

  for (let child = cursor.take(OPENING); child !== null; child = cursor.take(OPENING)) {
    const [, name = "", empty] = child;
    if (fields.has(name)) return err(`<${name}> is repeated`);
    const value = empty === "/" ? "" : readText(cursor, name);
    if (value === null) return err(`<${name}> does not contain plain text`);
    fields.set(name, value);
  }
  if (cursor.take(CLOSING)?.[1] !== root[1]) return err(`<${root[1]}> is not closed`);
  if (cursor.take(SPACE_TO_END) === null) return err("text after the root");
  return ok({ root: root[1], fields });
}

/**
 * Writes fields as WeChat Pay does: each value in CDATA, except those named in `withoutCdata`. A `]]>`
 * in a value is split over two sections.
 */
export function writeXml(
  fields: Iterable<Field>,
  options: { readonly root?: string; readonly withoutCdata?: ReadonlySet<string> } = {},
): string {
  const { root = "xml", withoutCdata } = options;
  const lines = Array.from(fields, ([name, value]) =>
    withoutCdata?.has(name) === true
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

  /** Matches a sticky pattern at the cursor and moves past the match; null when it doesn't match. */
  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at += match[0].length;
    return match;
  }
}

/** The text up to the closing tag of `name`; null when it contains anything else. */
function readText(cursor: Cursor, name: string): string | null {
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
      if (decoded === null) return null;
      value += decoded;
      continue;
    }
    return cursor.take(CLOSING)?.[1] === name ? value : null;
  }
}

function decodeEntities(text: string): string | null {
  if (text.includes("]]>")) return null;
  let valid = true;
  const decoded = text.replaceAll(/&(?:[^;&]{0,10};)?/g, (entity) => {
    const character = ENTITIES[entity] ?? decodeReference(entity);
    if (character === null || !isAcceptable(character)) valid = false;
    return character ?? "";
  });
  return valid ? decoded : null;
}

function decodeReference(entity: string): string | null {
  const match = /^&#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}));$/.exec(entity);
  if (match === null) return null;
  const point = match[1] === undefined ? Number(match[2]) : Number.parseInt(match[1], 16);
  return point <= 0xffff ? String.fromCharCode(point) : null;
}

/**
 * Whether WeChat Pay accepts all characters: those of XML 1.0 with one to three bytes of UTF-8. A
 * character of four bytes is a pair of surrogates here.
 */
function isAcceptable(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const control = unit < 0x20 && unit !== 0x09 && unit !== 0x0a && unit !== 0x0d;
    const surrogate = unit >= 0xd800 && unit <= 0xdfff;
    if (control || surrogate || unit >= 0xfffe) return false;
  }
  return true;
}
