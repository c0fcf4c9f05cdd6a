import { stringToSign } from "../../../src/wechat/v2/sign.ts";
import type { Fields } from "./messages.ts";

/** The text that WeChat signs, without the key, split at every `&`. */
export function piecesOf(fields: Fields): string[] {
  const text = stringToSign(new Map(Object.entries(fields)), "").replace(/&key=$/, "");
  return text.split("&");
}

/**
 * Splits the text into other fields: one starts at the first piece and at each piece that `begins`
 * chooses. All other pieces belong to the field before them.
 */
export function cutWhere(
  pieces: readonly string[],
  begins: (name: string, index: number) => boolean,
): Fields {
  const fields: [name: string, value: string][] = [];
  for (const [index, piece] of pieces.entries()) {
    const [, name, value = ""] = /^([A-Za-z][A-Za-z0-9_]*)=(.*)$/s.exec(piece) ?? [];
    const last = fields.at(-1);
    if (name !== undefined && (last === undefined || begins(name, index))) {
      fields.push([name, value]);
    } else if (last !== undefined) {
      last[1] += `&${piece}`;
    }
  }
  return Object.fromEntries(fields);
}

/** Splits the text into the first field and fields with these names, each as early as possible. */
export function cutInto(fields: Fields, names: readonly string[]): Fields {
  const left = [...names];
  const split = cutWhere(piecesOf(fields), (name) => {
    if (name !== left[0]) return false;
    left.shift();
    return true;
  });
  if (left.length > 0) throw new Error(`the text has no place for ${left.join(", ")}`);
  return split;
}
