import { XMLParser, XMLValidator } from "fast-xml-parser";
import { err, ok, type Result } from "../../lib/result.ts";
import { decodeReferences, isXmlText, maskCdata } from "./xml-text.ts";

/** Bytes (characters for text input). WeChat's messages are below 20 KB. */
const MAX_XML_SIZE = 64 * 1024;
/**
 * Opening and closing tags. Ten refunds with twenty coupons each, in a refundquery's answer, have
 * about 1500. The parser takes quadratic time: 64 KB of `<a/>` would cost most of a second.
 */
const MAX_TAGS = 3000;
/**
 * The most `<` and `&` in a message that anybody can send: a notification with fifty coupons has about
 * 600. Bounds what a stranger's message costs before its signature can be verified.
 */
export const MAX_NOTIFICATION_MARKS = 1200;

const DECLARATION =
  /^<\?xml version=["']1\.[01]["'](?: encoding=["']utf-8["'])?(?: standalone=["'](?:yes|no)["'])?\s*\?>/i;
const PLAIN_TAG = /<\/?[A-Za-z][A-Za-z0-9_]*\s*\/?>/g;
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
const REFUSED_NAMES: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);
const BLANK = /^[ \t\r\n]*$/;

const TEXT = "#text";
const CDATA = "#cdata";

/** Keeps every value as the string that was sent: a transaction number has 28 digits. */
const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  parseTagValue: false,
  trimValues: false,
  // References are decoded in xml-text.ts: once, and only outside CDATA.
  processEntities: false,
  textNodeName: TEXT,
  cdataPropName: CDATA,
});

/**
 * Reads one of WeChat's flat messages: fields by name, each value a string with its white space.
 *
 * Refuses everything that such a message never contains: DOCTYPE, entities, processing instructions,
 * comments, attributes, nesting, repeated fields, truncated documents, trailing content. The syntax
 * is checked *before* parsing, because fast-xml-parser silently skips a DOCTYPE or a stray section.
 *
 * @param root `xml` in the API and in notifications, `root` inside a refund notification.
 * @param maxMarks the most `<` and `&`; without it, only the number of tags is limited
 * @returns on failure, the reason without the message's content.
 */
export function readXml(
  raw: Uint8Array | string,
  root: "xml" | "root" = "xml",
  maxMarks = Number.POSITIVE_INFINITY,
): Result<Map<string, string>, string> {
  if (raw.length > MAX_XML_SIZE) return err("too long");
  const text = typeof raw === "string" ? raw : decodeUtf8(raw);
  if (text === null) return err("not UTF-8");
  if (hasMoreMarks(text, maxMarks)) return err("too many fields");
  if (!isXmlText(text)) return err("characters not allowed in XML");
  const body = text
    .replace(/^\uFEFF/, "")
    .trimStart()
    .replace(DECLARATION, "")
    .trim();
  const fault = lexicalFault(body, root);
  if (fault !== null) return err(fault);
  const tree = parse(body);
  return tree === null ? err("not well-formed") : readFields(tree, root);
}

/** Whether `<` and `&` occur more than `max` times. Stops counting there. */
function hasMoreMarks(text: string, max: number): boolean {
  if (max >= text.length) return false;
  let count = 0;
  for (const mark of ["<", "&"]) {
    for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1)) {
      count += 1;
      if (count > max) return true;
    }
  }
  return false;
}

/** Decodes bytes; null when they aren't UTF-8. */
function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return null;
  }
}

function lexicalFault(body: string, root: string): string | null {
  const masked = maskCdata(body);
  if (masked === null) return "a CDATA section that doesn't end";
  if (!masked.startsWith(`<${root}>`) || !masked.endsWith(`</${root}>`)) {
    return `not a <${root}> document`;
  }
  let tags = 0;
  const untagged = masked.replace(PLAIN_TAG, () => {
    tags += 1;
    return "";
  });
  if (untagged.includes("<")) return "something other than plain tags, text and CDATA";
  if (tags > MAX_TAGS) return "too many fields";
  return decodeReferences(masked) === null ? "a reference that isn't built in" : null;
}

function parse(body: string): unknown {
  try {
    return XMLValidator.validate(body) === true ? parser.parse(body) : null;
  } catch {
    // The parser throws for names like `constructor` and for unclosed tags.
    return null;
  }
}

function readFields(tree: unknown, root: string): Result<Map<string, string>, string> {
  const [top, ...rest] = nodesOf(tree);
  if (top === undefined || rest.length > 0 || top[0] !== root) return err("more than one root");
  const fields = new Map<string, string>();
  for (const [name, content] of nodesOf(top[1])) {
    if (name === TEXT && typeof content === "string" && BLANK.test(content)) continue;
    if (!FIELD_NAME.test(name) || REFUSED_NAMES.has(name)) return err("text beside the fields");
    if (fields.has(name)) return err("a field twice");
    const value = readValue(content);
    if (value === null) return err("a field inside a field");
    fields.set(name, value);
  }
  return ok(fields);
}

function readValue(content: unknown): string | null {
  let value = "";
  for (const [name, part] of nodesOf(content)) {
    const text = name === TEXT ? textPart(part) : name === CDATA ? cdataPart(part) : null;
    if (text === null) return null;
    value += text;
  }
  return value;
}

function textPart(part: unknown): string | null {
  return typeof part === "string" ? decodeReferences(part) : null;
}

function cdataPart(part: unknown): string | null {
  const [only] = nodesOf(part);
  return only !== undefined && typeof only[1] === "string" ? only[1] : null;
}

/** The parser's ordered tree is an array of objects with one key each: the node's name. */
function nodesOf(tree: unknown): [string, unknown][] {
  if (!Array.isArray(tree)) return [];
  return tree.flatMap((node: unknown) =>
    typeof node === "object" && node !== null ? Object.entries(node) : [],
  );
}

/**
 * Writes fields as WeChat's XML, in the map's order, each value in CDATA.
 *
 * CDATA for all values, because some readers trim plain text, while the signature covers the
 * untrimmed value.
 *
 * @returns on failure, the name of the field that WeChat wouldn't accept (see `isSendable`).
 */
export function writeXml(fields: ReadonlyMap<string, string>): Result<string, string> {
  let body = "";
  for (const [name, value] of fields) {
    if (!FIELD_NAME.test(name) || REFUSED_NAMES.has(name)) throw new Error(`bad name: ${name}`);
    if (!isSendable(value)) return err(name);
    body += `<${name}>${cdata(value)}</${name}>`;
  }
  return ok(`<xml>${body}</xml>`);
}

/** A value as CDATA. `]]>` must be split over two sections. */
export function cdata(value: string): string {
  return `<![CDATA[${value.replaceAll("]]>", "]]]]><![CDATA[>")}]]>`;
}

/**
 * WeChat accepts only characters of one to three UTF-8 bytes (W-15): no emoji. Tab and line feed are
 * the only control characters allowed: XML readers turn a carriage return into a line feed, which
 * would break the signature.
 */
function isSendable(value: string): boolean {
  return /^[\t\n\u{20}-\u{7E}\u{A0}-\u{D7FF}\u{E000}-\u{FFFD}]*$/u.test(value);
}
