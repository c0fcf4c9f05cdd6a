/**
 * Dictionaries of Structured Fields (RFC 8941, the version that RFC 9421 and RFC 9530 refer to).
 *
 * Written here instead of taken from npm `structured-headers` (2.1.0: small, typed, maintained) for
 * three reasons. It keeps the last of repeated keys and parameters, as the RFC says, so the caller
 * can't refuse them: a proxy and the gateway could read different values. It reads `1` and `1.0` as
 * the same number, so an integer can't be required, nor `@signature-params` rebuilt. It throws.
 *
 * Stricter than the RFC where two spellings of one value help nobody but an attacker: repeated keys
 * and base64 that isn't canonical are malformed. Never throws; takes time linear in the text, which
 * the caller limits.
 */

/** A value with its type; `text` is its canonical serialization (RFC 8941, 4.1). */
export type BareItem =
  | { readonly type: "integer"; readonly text: string; readonly value: number }
  | { readonly type: "string"; readonly text: string; readonly value: string }
  | { readonly type: "bytes"; readonly text: string; readonly value: Uint8Array<ArrayBuffer> }
  | { readonly type: "decimal" | "token"; readonly text: string }
  | { readonly type: "boolean"; readonly text: "?0" | "?1" };

/** In the order of the text, which the canonical serialization keeps. */
export type FieldParameters = ReadonlyMap<string, BareItem>;

export interface Item {
  readonly kind: "item";
  readonly value: BareItem;
  readonly parameters: FieldParameters;
}

export interface InnerList {
  readonly kind: "inner-list";
  readonly items: readonly Item[];
  readonly parameters: FieldParameters;
}

export type Dictionary = ReadonlyMap<string, Item | InnerList>;

/** The text and how far it has been read. A reader that returns null has found a fault. */
interface Cursor {
  readonly text: string;
  at: number;
}

const SPACES = / */y;
const COMMA = /[ \t]*,[ \t]*/y;
const KEY = /[a-z*][a-z0-9_.*-]*/y;
const NUMBER = /-?(?:\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])/y;
const STRING = /"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y;
const TOKEN = /[A-Za-z*][\w!#$%&'*+.^`|~:/-]*/y;
const BYTES = /:[A-Za-z0-9+/]*={0,2}:/y;
const BOOLEAN = /\?[01]/y;

const TRUE: BareItem = { type: "boolean", text: "?1" };

/** RFC 8941, 4.2.2. Null for text that isn't a dictionary, or repeats a key or a parameter. */
export function parseDictionary(text: string): Dictionary | null {
  const cursor: Cursor = { text, at: 0 };
  const members = new Map<string, Item | InnerList>();
  take(cursor, SPACES);
  while (cursor.at < text.length) {
    const key = take(cursor, KEY);
    if (key === null || members.has(key)) return null;
    const member = skip(cursor, "=") ? readMember(cursor) : readParameterized(cursor, TRUE);
    if (member === null) return null;
    members.set(key, member);

    if (take(cursor, COMMA) === null) {
      take(cursor, SPACES);
      return cursor.at === text.length ? members : null;
    }
    // A comma announces another member.
    if (cursor.at === text.length) return null;
  }
  return members;
}

/** RFC 8941, 4.1.1.1: the canonical text of an inner list with its parameters. */
export function serializeInnerList({ items, parameters }: InnerList): string {
  const texts = items.map((item) => item.value.text + serializeParameters(item.parameters));
  return `(${texts.join(" ")})${serializeParameters(parameters)}`;
}

function serializeParameters(parameters: FieldParameters): string {
  return [...parameters]
    .map(([name, { text }]) => (text === TRUE.text ? `;${name}` : `;${name}=${text}`))
    .join("");
}

function readMember(cursor: Cursor): Item | InnerList | null {
  return skip(cursor, "(") ? readInnerList(cursor) : readItem(cursor);
}

/** Reads on behind the opening parenthesis. */
function readInnerList(cursor: Cursor): InnerList | null {
  const items: Item[] = [];
  take(cursor, SPACES);
  while (!skip(cursor, ")")) {
    const item = readItem(cursor);
    if (item === null) return null;
    items.push(item);
    if (take(cursor, SPACES) === "" && cursor.text[cursor.at] !== ")") return null;
  }
  const parameters = readParameters(cursor);
  return parameters === null ? null : { kind: "inner-list", items, parameters };
}

function readItem(cursor: Cursor): Item | null {
  const value = readBareItem(cursor);
  return value === null ? null : readParameterized(cursor, value);
}

function readParameterized(cursor: Cursor, value: BareItem): Item | null {
  const parameters = readParameters(cursor);
  return parameters === null ? null : { kind: "item", value, parameters };
}

function readParameters(cursor: Cursor): FieldParameters | null {
  const parameters = new Map<string, BareItem>();
  while (skip(cursor, ";")) {
    take(cursor, SPACES);
    const name = take(cursor, KEY);
    if (name === null || parameters.has(name)) return null;
    const value = skip(cursor, "=") ? readBareItem(cursor) : TRUE;
    if (value === null) return null;
    parameters.set(name, value);
  }
  return parameters;
}

/** The first character tells the type (RFC 8941, 4.2.3.1). */
function readBareItem(cursor: Cursor): BareItem | null {
  const number = take(cursor, NUMBER);
  if (number !== null) return numberItem(number);
  const string = take(cursor, STRING);
  if (string !== null) {
    const value = string.slice(1, -1).replaceAll(/\\(["\\])/g, "$1");
    return { type: "string", text: string, value };
  }
  const bytes = take(cursor, BYTES);
  if (bytes !== null) return bytesItem(bytes);
  const boolean = take(cursor, BOOLEAN);
  if (boolean !== null) return { type: "boolean", text: boolean === "?1" ? "?1" : "?0" };
  const token = take(cursor, TOKEN);
  return token === null ? null : { type: "token", text: token };
}

function numberItem(text: string): BareItem {
  // Without -0, which the RFC writes as 0.
  const value = Number(text) || 0;
  if (!text.includes(".")) return { type: "integer", text: String(value), value };
  const canonical = Number.isInteger(value) ? `${value}.0` : String(value);
  return { type: "decimal", text: canonical };
}

function bytesItem(text: string): BareItem | null {
  const base64 = text.slice(1, -1);
  const value = decodeBase64(base64);
  return value === null ? null : { type: "bytes", text, value };
}

/** The bytes of canonical base64: padded, and its unused bits zero. Null for any other text. */
export function decodeBase64(base64: string): Uint8Array<ArrayBuffer> | null {
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return null;
  const binary = atob(base64);
  if (btoa(binary) !== base64) return null;
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Reads what the sticky `pattern` matches at the cursor; null when it doesn't match. */
function take(cursor: Cursor, pattern: RegExp): string | null {
  pattern.lastIndex = cursor.at;
  const match = pattern.exec(cursor.text);
  if (match === null) return null;
  cursor.at = pattern.lastIndex;
  return match[0];
}

/** Reads `character` if it is next; returns whether it was. */
function skip(cursor: Cursor, character: string): boolean {
  if (cursor.text[cursor.at] !== character) return false;
  cursor.at += 1;
  return true;
}
