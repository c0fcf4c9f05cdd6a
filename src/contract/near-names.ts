import type { Fault } from "./refusal.ts";
import type { Parameters } from "./parameter-set.ts";

/** Parameters that every endpoint knows. */
const COMMON_NAMES = ["appId", "platForm", "sign"];

/** A longer name allows more mistakes: one for every four letters. */
const LETTERS_PER_MISTAKE = 4;

/**
 * The unknown parameter that was probably meant as `wanted`; null without one. Case, `_`, `-` and `.`
 * don't count.
 *
 * @param names the names that the endpoint knows
 * @param minMistakes for a required parameter 1, so that a short name may have a mistake too
 */
export function nearName(
  wanted: string,
  names: readonly string[],
  parameters: Parameters,
  minMistakes: 0 | 1,
): string | null {
  const target = plain(wanted);
  const known = new Set([...names, ...COMMON_NAMES]);
  let best = Math.max(minMistakes, Math.floor(target.length / LETTERS_PER_MISTAKE)) + 1;
  let nearest: string | null = null;
  for (const name of parameters.keys()) {
    if (known.has(name)) continue;
    const letters = plain(name);
    if (Math.abs(letters.length - target.length) >= best) continue;
    const mistakes = mistakesBetween(letters, target);
    if (mistakes < best) [best, nearest] = [mistakes, name];
  }
  return nearest;
}

/**
 * The `wanted` parameters that were not sent and whose name an unknown parameter nearly has. To be named
 * beside another fault only: an app may send parameters of its own.
 *
 * @param names as in `nearName`
 */
export function misspeltNames(
  wanted: readonly string[],
  names: readonly string[],
  parameters: Parameters,
): Fault[] {
  const absent = wanted.filter((name) => (parameters.get(name) ?? "") === "");
  return absent.flatMap((parameter): Fault[] => {
    const near = nearName(parameter, names, parameters, 0);
    if (near === null) return [];
    const detail = `${parameter} 未传${receivedInstead(near)}`;
    return [{ detail, reason: { fault: "misspelt", parameter } }];
  });
}

/** Appended to a fault of the parameter that was probably meant. */
export function receivedInstead(near: string): string {
  return `（收到了名称相近的 ${near}）`;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_.-]/g, "");
}

/** Letters to add, drop, replace or swap with the next (optimal string alignment). */
function mistakesBetween(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let i = 1; i <= left.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const isSame = left[i - 1] === right[j - 1];
      const isSwapped = left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      row[j] = Math.min(
        cell(row, j - 1) + 1,
        cell(last, j) + 1,
        cell(last, j - 1) + (isSame ? 0 : 1),
        isSwapped ? cell(beforeLast, j - 2) + 1 : Infinity,
      );
    }
    [beforeLast, last] = [last, row];
  }
  return cell(last, right.length);
}

function cell(row: readonly number[], at: number): number {
  return row[at] ?? Infinity;
}
