import type { RefundRow } from "../../../src/db/rows.ts";

type State = RefundRow["state"];

/**
 * The states from which a refund may have reached `state` between two checks, in any number of
 * transitions. Independent of src/domain, so that a mistake there is not repeated here.
 */
export function predecessorsOf(state: State): readonly State[] {
  return PREDECESSORS[state];
}

const PREDECESSORS: Readonly<Record<State, readonly State[]>> = {
  requested: ["refused"],
  refused: ["requested"],
  accepted: ["requested", "refused"],
  abnormal: ["requested", "refused", "accepted"],
  closed: ["requested", "refused", "accepted", "abnormal"],
  succeeded: ["requested", "refused", "accepted", "abnormal"],
};
