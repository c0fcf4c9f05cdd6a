import { Buffer } from "node:buffer";

/** So many characters of a secret in a row are a leak too. */
const TELLING = 12;

/** Every form in which a secret might get out, and every telling piece of its plain text. */
function formsOf(secret: string): string[] {
  const buffer = Buffer.from(secret);
  const pieces = Array.from({ length: Math.max(1, secret.length - TELLING + 1) }, (_, at) =>
    secret.slice(at, at + TELLING),
  );
  const backwards = secret.split("").toReversed().join("");
  const hex = buffer.toString("hex");
  return [
    ...pieces,
    backwards,
    hex,
    hex.toUpperCase(),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    ...base64Forms(buffer),
  ];
}

/** As it stands in base64 of a longer text, which may begin one or two bytes earlier. */
function base64Forms(secret: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const whole = Buffer.concat([Buffer.alloc(offset), secret]).toString("base64");
    const certain = whole.slice(
      Math.ceil((offset * 8) / 6),
      Math.floor(((offset + secret.length) * 8) / 6),
    );
    return [certain, certain.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/** A search for secrets, in one pass over a text. */
export class LeakSearch {
  /** By the first letters of each form. */
  readonly #forms = new Map<string, [name: string, form: string][]>();

  constructor(secrets: ReadonlyMap<string, string>) {
    for (const [name, secret] of secrets) {
      if (secret.length < TELLING) throw new Error(`${name} is too short to be told from others`);
      for (const form of formsOf(secret)) {
        const head = form.slice(0, TELLING);
        this.#forms.set(head, [...(this.#forms.get(head) ?? []), [name, form]]);
      }
    }
  }

  /** The names of the secrets that are in the text, in whichever form. */
  in(text: string): string[] {
    const found = new Set<string>();
    for (let at = 0; at + TELLING <= text.length; at += 1) {
      for (const [name, form] of this.#forms.get(text.slice(at, at + TELLING)) ?? []) {
        if (text.startsWith(form, at)) found.add(name);
      }
    }
    return [...found];
  }
}
