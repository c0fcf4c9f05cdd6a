import type { Outcome } from "./outcomes.ts";
import type { RouteName } from "./routes.ts";
import type { Scene } from "./scene.ts";

/** A request as it goes out. */
export interface Sent {
  /** Path and query. */
  readonly path: string;
  readonly init: RequestInit;
}

/** One hostile request, and what is declared to become of it. */
export interface Case {
  /** What is wrong with it, as a part of a sentence. */
  readonly name: string;
  /** The route that it is aimed at; `nowhere` for a path that is none. */
  readonly route: RouteName | "nowhere";
  readonly answer: Outcome;
  readonly request: (scene: Scene) => Sent | Promise<Sent>;
  /** What the answer must say besides. */
  readonly about?: RegExp;
  /**
   * `rows`: odd but good, so that rows may change (and somebody be called). `calls`: no row changes,
   * but WeChat may be asked. Without it nothing at all may come of the request.
   */
  readonly may?: "rows" | "calls";
}

/** A theme's cases, in the order of their sending. */
export type Theme = readonly Case[];

/** The cases that each of some routes gets. */
export function toEach<T>(routes: readonly T[], make: (route: T) => Theme): Theme {
  return routes.flatMap((route) => make(route));
}

export const FORM = "application/x-www-form-urlencoded";
export const JSON_TYPE = "application/json";

export type Body = string | Uint8Array<ArrayBuffer>;

/** A POST of this body; without a type none is claimed. */
export function post(body: Body, contentType?: string, headers: Headers = {}): RequestInit {
  const type = contentType === undefined ? {} : { "content-type": contentType };
  return {
    method: "POST",
    headers: { ...type, ...headers },
    body: typeof body === "string" ? utf8(body) : body,
  };
}

type Headers = Readonly<Record<string, string>>;

/** Bytes, of which each is a number or the UTF-8 of a text. */
export function bytes(...parts: readonly (string | number)[]): Uint8Array<ArrayBuffer> {
  const runs = parts.map((part) =>
    typeof part === "number" ? new Uint8Array([part]) : utf8(part),
  );
  const whole = new Uint8Array(runs.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const run of runs) {
    whole.set(run, offset);
    offset += run.length;
  }
  return whole;
}

/** More than any request is read to its end. */
export const FIVE_MEGABYTES = new Uint8Array(5 * 1024 * 1024).fill(120);

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}

/** A text in UTF-16, as some clients write it. */
export function utf16(text: string, littleEndian: boolean): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(text.length * 2));
  for (let at = 0; at < text.length; at += 1) {
    view.setUint16(at * 2, text.charCodeAt(at), littleEndian);
  }
  return new Uint8Array(view.buffer);
}
