import type { ExpectedAnswer } from "./expected-answers.ts";
import type { RouteName } from "./routes.ts";
import type { Target } from "./target.ts";

/** A request to the gateway. */
export interface OutgoingRequest {
  /** Path and query. */
  readonly path: string;
  readonly init: RequestInit;
}

/** One hostile request, the answer to it and its side effects. */
export interface Case {
  /** What is wrong with the request, as a noun phrase; unique per route and theme. */
  readonly name: string;
  /** The route it tests; `nowhere` for a path without a route. */
  readonly route: RouteName | "nowhere";
  readonly answer: ExpectedAnswer;
  readonly request: (target: Target) => OutgoingRequest | Promise<OutgoingRequest>;
  /** The body of the answer must match it too. */
  readonly textPattern?: RegExp;
  /**
   * The side effects that the request may have. `rows`: it is unusual but valid, so it may change
   * rows and call WeChat or an app. `calls`: it may query WeChat, but changes no row. By default it
   * has none.
   */
  readonly allows?: "rows" | "calls";
}

/** The cases of a theme, in the order in which they are sent. */
export type Cases = readonly Case[];

/** Makes the same cases for each route. */
export function casesFor<T>(routes: readonly T[], make: (route: T) => Cases): Cases {
  return routes.flatMap((route) => make(route));
}

export const FORM = "application/x-www-form-urlencoded";
export const JSON_TYPE = "application/json";

export type Body = string | Uint8Array<ArrayBuffer>;

/** A POST of this body; without `contentType` it has no Content-Type. */
export function post(body: Body, contentType?: string, headers: Headers = {}): RequestInit {
  const type = contentType === undefined ? {} : { "content-type": contentType };
  return {
    method: "POST",
    headers: { ...type, ...headers },
    body: typeof body === "string" ? utf8(body) : body,
  };
}

type Headers = Readonly<Record<string, string>>;

/** Concatenates single bytes and the UTF-8 of texts. */
export function bytes(...parts: readonly (string | number)[]): Uint8Array<ArrayBuffer> {
  const chunks = parts.map((part) =>
    typeof part === "number" ? new Uint8Array([part]) : utf8(part),
  );
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** A body larger than the gateway reads. */
export const FIVE_MEGABYTES = new Uint8Array(5 * 1024 * 1024).fill(120);

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}

/** Encodes a text in UTF-16. */
export function utf16(text: string, littleEndian: boolean): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(text.length * 2));
  for (let at = 0; at < text.length; at += 1) {
    view.setUint16(at * 2, text.charCodeAt(at), littleEndian);
  }
  return new Uint8Array(view.buffer);
}
