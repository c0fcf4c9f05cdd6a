import { Buffer } from "node:buffer";

/** A fragment of a secret of this many characters is a leak too. */
const MIN_FRAGMENT_LENGTH = 12;

/** Every encoding in which a secret might leak, and every fragment of its plain text. */
function formsOf(secret: string): string[] {
  const buffer = Buffer.from(secret);
  const fragments = Array.from(
    { length: Math.max(1, secret.length - MIN_FRAGMENT_LENGTH + 1) },
    (_, at) => secret.slice(at, at + MIN_FRAGMENT_LENGTH),
  );
  const reversed = secret.split("").toReversed().join("");
  const hex = buffer.toString("hex");
  return [
    ...fragments,
    reversed,
    hex,
    hex.toUpperCase(),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    ...base64Forms(buffer),
  ];
}

/** The base64 of a longer text that contains the secret, for each alignment of its first byte. */
function base64Forms(secret: Buffer): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const whole = Buffer.concat([Buffer.alloc(offset), secret]).toString("base64");
    const independent = whole.slice(
      Math.ceil((offset * 8) / 6),
      Math.floor(((offset + secret.length) * 8) / 6),
    );
    return [independent, independent.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/** Searches texts for secrets, in one pass each. */
export class LeakSearch {
  /** The encodings, by their first characters. */
  readonly #forms = new Map<string, [name: string, form: string][]>();

  constructor(secrets: ReadonlyMap<string, string>) {
    for (const [name, secret] of secrets) {
      if (secret.length < MIN_FRAGMENT_LENGTH)
        throw new Error(`${name} is too short to search for`);
      for (const form of formsOf(secret)) {
        const head = form.slice(0, MIN_FRAGMENT_LENGTH);
        this.#forms.set(head, [...(this.#forms.get(head) ?? []), [name, form]]);
      }
    }
  }

  /** The names of the secrets that the text contains, in any encoding. */
  findIn(text: string): string[] {
    const found = new Set<string>();
    for (let at = 0; at + MIN_FRAGMENT_LENGTH <= text.length; at += 1) {
      for (const [name, form] of this.#forms.get(text.slice(at, at + MIN_FRAGMENT_LENGTH)) ?? []) {
        if (text.startsWith(form, at)) found.add(name);
      }
    }
    return [...found];
  }
}
