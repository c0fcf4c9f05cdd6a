import type { RefundRow } from "../../../src/db/rows.ts";

type State = RefundRow["state"];

/**
 * From which states a refund may be seen to come, over any number of moves between two looks.
 * Written anew from the design, so that one mistake can't pass twice.
 */
export function statesBefore(state: State): readonly State[] {
  return BEFORE[state];
}

const BEFORE: Readonly<Record<State, readonly State[]>> = {
  requested: ["refused"],
  refused: ["requested"],
  accepted: ["requested", "refused"],
  abnormal: ["requested", "refused", "accepted"],
  closed: ["requested", "refused", "accepted", "abnormal"],
  succeeded: ["requested", "refused", "accepted", "abnormal"],
};
