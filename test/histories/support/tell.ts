import type { History, Step } from "./steps.ts";

/** A history that failed, shrunk, for a person; and how to see it again. */
export function tell(failure: {
  readonly words: string;
  /** How many histories were lived through, this one included. */
  readonly lived: number;
  readonly seed: number;
  readonly path: string | null;
  readonly worst: History | undefined;
}): string {
  const { words, lived, seed, path, worst } = failure;
  return [
    words,
    `Found in history ${lived}. The shortest of its kind, with ${worst?.signType ?? "?"}:`,
    ...(worst?.steps ?? []).map((step, index) => `${String(index + 1).padStart(4)}. ${line(step)}`),
    `Again: npm run bench:histories -- --seed ${seed} --path ${path ?? ""}`,
  ].join("\n");
}

function line(step: Step): string {
  if (step.do !== "together") {
    const { do: deed, ...rest } = step;
    const details = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
    return [deed, ...details].join(", ");
  }
  const { actions, turns, crashAt } = step;
  const end = crashAt === null ? "" : `, a crash after turn ${crashAt}`;
  const indented = actions.map((action) => `\n        ${line(action)}`).join("");
  return `together, by turns ${turns.join(" ")}${end}:${indented}`;
}
