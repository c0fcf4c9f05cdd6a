import type { History, Step } from "./steps.ts";

/** Describes a failed history, shrunk, with the command that replays it. */
export function report(failure: {
  readonly message: string;
  /** The number of histories that ran, the failed one included. */
  readonly historyCount: number;
  readonly seed: number;
  readonly path: string | null;
  readonly shrunk: History | undefined;
}): string {
  const { message, historyCount, seed, path, shrunk } = failure;
  return [
    message,
    `Failed in history ${historyCount}. Shrunk, with ${shrunk?.signType ?? "?"}:`,
    ...(shrunk?.steps ?? []).map(
      (step, index) => `${String(index + 1).padStart(4)}. ${line(step)}`,
    ),
    `Replay: npm run bench:histories -- --seed ${seed} --path ${path ?? ""}`,
  ].join("\n");
}

function line(step: Step): string {
  if (step.type !== "concurrently") {
    const { type, ...rest } = step;
    const details = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
    return [type, ...details].join(", ");
  }
  const { actions, turns, crashAtTurn } = step;
  const crash = crashAtTurn === null ? "" : `, crash at turn ${crashAtTurn}`;
  const indented = actions.map((action) => `\n        ${line(action)}`).join("");
  return `concurrently, turns ${turns.join(" ")}${crash}:${indented}`;
}
