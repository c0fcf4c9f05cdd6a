import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RefundState } from "../../src/core/contract/records.ts";
import {
  decideRefund,
  isLive,
  isNews,
  isSettled,
  reportedState,
  statesBefore,
  type ReportedStatus,
  type StoredRefund,
} from "../../src/core/refund-life.ts";

const STATES: readonly RefundState[] = [
  "requested",
  "refused",
  "accepted",
  "abnormal",
  "closed",
  "succeeded",
];

/** What the record does with news: nothing, unless it stands in one of the states before. */
function moved(state: RefundState, to: RefundState): RefundState {
  return statesBefore(to).includes(state) ? to : state;
}

/** A refund of all of 100 fen. */
function stored(state: RefundState, appRefundNo: string | null = null): StoredRefund {
  return { number: `no-${state}`, appRefundNo, refundFen: 100, state };
}

/** What WeChat may come to say of one refund in its life, in the order of its happening. */
const histories: fc.Arbitrary<readonly ReportedStatus[]> = fc.constantFrom(
  ["processing"],
  ["processing", "succeeded"],
  ["processing", "closed"],
  ["processing", "abnormal"],
  ["processing", "abnormal", "succeeded"],
  ["processing", "abnormal", "closed"],
);

describe("the states of a refund", () => {
  test("whose last word is spoken are left no more", () => {
    for (const settled of STATES.filter(isSettled)) {
      expect(STATES.filter((state) => statesBefore(state).includes(settled))).toEqual([]);
    }
    expect(STATES.filter(isSettled)).toEqual(["closed", "succeeded"]);
  });

  test("that are known to WeChat never go back to being unknown or refused", () => {
    for (const known of ["accepted", "abnormal", "closed", "succeeded"] as const) {
      expect(moved(known, "requested")).toBe(known);
      expect(moved(known, "refused")).toBe(known);
    }
  });

  test("can all be reached from a request, and each report from every state before it", () => {
    for (const status of ["processing", "succeeded", "closed", "abnormal"] as const) {
      const state = reportedState(status);
      expect(statesBefore(state)).toEqual(expect.arrayContaining(["requested", "refused"]));
      expect(moved("requested", state)).toBe(state);
    }
    expect(moved("requested", "refused")).toBe("refused");
    expect(moved("refused", "requested")).toBe("requested");
  });

  test("that the app hears of are the ends, and the one that needs a person", () => {
    expect(STATES.filter(isNews)).toEqual(["abnormal", "closed", "succeeded"]);
    expect(STATES.filter((state) => !isLive(state))).toEqual(["closed"]);
  });

  test("end the same in whatever order, and how often, the same reports arrive", () => {
    const arrivals = histories.chain((history) =>
      fc.tuple(
        fc.constant(history.at(-1)),
        fc.array(fc.constantFrom(...history), { maxLength: 8 }).chain((more) =>
          fc.shuffledSubarray([...history, ...more], {
            minLength: history.length + more.length,
          }),
        ),
        fc.constantFrom<RefundState>("requested", "refused"),
      ),
    );
    fc.assert(
      fc.property(arrivals, ([last, reports, from]) => {
        const end = reports.map(reportedState).reduce(moved, from);
        expect(end).toBe(last === undefined ? from : reportedState(last));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("a request for a refund", () => {
  const plain = { refundFen: null, appRefundNo: null };

  test("of an order without refunds is a new one of all that was paid", () => {
    expect(decideRefund(100, [], plain)).toEqual({ kind: "create", refundFen: 100 });
    expect(decideRefund(100, [], { refundFen: 100, appRefundNo: "R" })).toEqual({
      kind: "create",
      refundFen: 100,
    });
  });

  test.for([
    ["requested", "send"],
    ["refused", "send"],
    ["accepted", "repeat"],
    ["abnormal", "repeat"],
    ["succeeded", "repeat"],
  ] as const)("where one stands as %s means that one: %s", ([state, kind]) => {
    expect(decideRefund(100, [stored(state)], plain)).toEqual({ kind, refund: stored(state) });
    const named = stored(state, "R");
    const wish = { refundFen: null, appRefundNo: "R" };
    expect(decideRefund(100, [named], wish)).toEqual({ kind, refund: named });
    expect(decideRefund(100, [named], plain)).toEqual({ kind, refund: named });
  });

  test("after a closed one is a new one, unless it has the closed one's number", () => {
    const closed = stored("closed", "R");
    expect(decideRefund(100, [closed], plain)).toEqual({ kind: "create", refundFen: 100 });
    const wish = { refundFen: null, appRefundNo: "R" };
    expect(decideRefund(100, [closed], wish).kind).toBe("refuse");
  });

  test("never makes live refunds of more than was paid, and never a second one for a live one", () => {
    const refunds = fc.array(
      fc.record({
        number: fc.uuid(),
        appRefundNo: fc.constantFrom(null, "A", "B"),
        refundFen: fc.integer({ min: 1, max: 100 }),
        state: fc.constantFrom(...STATES),
      }),
      { maxLength: 4 },
    );
    const wishes = fc.record({
      refundFen: fc.option(fc.integer({ min: 1, max: 150 })),
      appRefundNo: fc.constantFrom(null, "A", "B", "C"),
    });
    fc.assert(
      fc.property(refunds, wishes, (all, wish) => {
        const held = all
          .filter(({ state }) => isLive(state))
          .reduce((sum, { refundFen }) => sum + refundFen, 0);
        const decision = decideRefund(100, all, wish);
        if (decision.kind === "create") {
          expect(held + decision.refundFen).toBeLessThanOrEqual(100);
          expect(wish.refundFen ?? decision.refundFen).toBe(decision.refundFen);
          expect(
            all.filter(({ appRefundNo }) => appRefundNo !== null).map((r) => r.appRefundNo),
          ).not.toContain(wish.appRefundNo);
        }
        if (decision.kind === "send" || decision.kind === "repeat") {
          expect(isLive(decision.refund.state)).toBe(true);
          expect(wish.refundFen ?? decision.refund.refundFen).toBe(decision.refund.refundFen);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
