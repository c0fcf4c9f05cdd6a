import { XMLParser, XMLValidator } from "fast-xml-parser";
import { err, ok, type Result } from "../../lib/result.ts";
import { decodeReferences, isXmlText, maskCdata } from "./xml-text.ts";

/** Bytes (characters, when given text). WeChat's messages are below 20 KB. */
const MAX_XML_SIZE = 64 * 1024;
/**
 * Opening and closing ones. A refundquery's ten refunds with twenty coupons each have about 1500;
 * the parser's time grows with the square, and 64 KB of `<a/>` would cost it most of a second.
 */
const MAX_TAGS = 3000;

const DECLARATION =
  /^<\?xml version=["']1\.[01]["'](?: encoding=["']utf-8["'])?(?: standalone=["'](?:yes|no)["'])?\s*\?>/i;
const PLAIN_TAG = /<\/?[A-Za-z][A-Za-z0-9_]*\s*\/?>/g;
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
const REFUSED_NAMES: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);
const BLANK = /^[ \t\r\n]*$/;

const TEXT = "#text";
const CDATA = "#cdata";

/** Every value stays the string that was sent: a transaction number has 28 digits. */
const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  parseTagValue: false,
  trimValues: false,
  // References are decoded in xml-text.ts, once and for text outside CDATA only.
  processEntities: false,
  textNodeName: TEXT,
  cdataPropName: CDATA,
});

/**
 * Reads one of WeChat's flat messages: fields by name, each value a string, white space kept.
 *
 * Refuses whatever such a message never has: DOCTYPE, entities, processing instructions, comments,
 * attributes, nesting, a field twice, a document cut short or followed by something. What is
 * refused for its shape is refused *before* the parser sees it, because fast-xml-parser passes
 * over a DOCTYPE or a stray section in silence.
 *
 * @param root `xml` in the API and in notifications, `root` inside a refund notification.
 * @returns the reason on failure, without the message's content.
 */
export function readXml(
  raw: Uint8Array | string,
  root: "xml" | "root" = "xml",
): Result<Map<string, string>, string> {
  if (raw.length > MAX_XML_SIZE) return err("too long");
  const text = typeof raw === "string" ? raw : decodeUtf8(raw);
  if (text === null) return err("not UTF-8");
  if (!isXmlText(text)) return err("characters that XML doesn't allow");
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

/** Bytes to text, or null when they aren't UTF-8. */
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
 * Writes fields as WeChat's XML, in the order given, each value in CDATA.
 *
 * CDATA throughout, because some readers trim plain text, and the signature is over the untrimmed
 * value.
 *
 * @returns on failure the name of the field that WeChat wouldn't take (see `isSendable`).
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

/** A value as CDATA. The only way to hold `]]>` in CDATA is to end the section inside of it. */
export function cdata(value: string): string {
  return `<![CDATA[${value.replaceAll("]]>", "]]]]><![CDATA[>")}]]>`;
}

/**
 * WeChat takes characters of one to three UTF-8 bytes only (W-15): no emoji. Of
 * the control characters tab and client feed remain; a carriage return doesn't, since XML readers
 * turn it into a client feed and so would break the signature.
 */
function isSendable(value: string): boolean {
  return /^[\t\n\u{20}-\u{7E}\u{A0}-\u{D7FF}\u{E000}-\u{FFFD}]*$/u.test(value);
}
