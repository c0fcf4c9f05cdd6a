import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RefundState } from "../../src/domain/states.ts";
import {
  decideRefund,
  isLive,
  isReportable,
  isFinal,
  reportedState,
  MAX_REFUNDS,
  statesBefore,
  type RefundDecision,
  type RefundRequest,
  type ReportedStatus,
  type StoredRefund,
} from "../../src/domain/refund.ts";

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
  return { number: `no-${state}`, appRefundNo, refundFen: 100, state, source: "app" };
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
    for (const settled of STATES.filter(isFinal)) {
      expect(STATES.filter((state) => statesBefore(state).includes(settled))).toEqual([]);
    }
    expect(STATES.filter(isFinal)).toEqual(["closed", "succeeded"]);
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
    expect(STATES.filter(isReportable)).toEqual(["abnormal", "closed", "succeeded"]);
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

const PAID_AT = Date.UTC(2040, 0, 1);
const DAY_MS = 24 * 3600_000;

/** Weighs a wish a day after 100 fen were paid. */
function decide<R extends StoredRefund>(
  refunds: readonly R[],
  wish: RefundRequest,
  nowAt = PAID_AT + DAY_MS,
): RefundDecision<R> {
  return decideRefund({ totalFen: 100, paidAt: PAID_AT }, refunds, wish, nowAt);
}

/** The message of a refusal; empty when it is none. */
function detailOf(decision: RefundDecision<StoredRefund>): string {
  return decision.kind === "refuse" ? decision.detail : "";
}

describe("a request for a refund", () => {
  const plain = { refundFen: null, appRefundNo: null };

  test("of an order without refunds is a new one of all that was paid", () => {
    expect(decide([], plain)).toEqual({ kind: "create", refundFen: 100 });
    expect(decide([], { refundFen: 100, appRefundNo: "R" })).toEqual({
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
    expect(decide([stored(state)], plain)).toEqual({ kind, refund: stored(state) });
    const named = stored(state, "R");
    const wish = { refundFen: null, appRefundNo: "R" };
    expect(decide([named], wish)).toEqual({ kind, refund: named });
    expect(decide([named], plain)).toEqual({ kind, refund: named });
  });

  test("after a closed one is a new one, unless it has the closed one's number", () => {
    const closed = stored("closed", "R");
    expect(decide([closed], plain)).toEqual({ kind: "create", refundFen: 100 });
    const wish = { refundFen: null, appRefundNo: "R" };
    expect(decide([closed], wish).kind).toBe("refuse");
  });

  test("of a part needs the app's own number, so that its repeat is the same refund", () => {
    expect(detailOf(decide([], { refundFen: 30, appRefundNo: null }))).toContain("appRefundNo");
    expect(decide([], { refundFen: 30, appRefundNo: "A" })).toEqual({
      kind: "create",
      refundFen: 30,
    });
    const part = { ...stored("succeeded", "A"), refundFen: 30 };
    expect(decide([part], { refundFen: 30, appRefundNo: "A" })).toEqual({
      kind: "repeat",
      refund: part,
    });
    expect(decide([part], { refundFen: null, appRefundNo: "A" })).toEqual({
      kind: "repeat",
      refund: part,
    });
    expect(detailOf(decide([part], { refundFen: 31, appRefundNo: "A" }))).toContain("30 分");
  });

  test("may take what is left, and no more", () => {
    const part = { ...stored("refused", "A"), refundFen: 30 };
    expect(decide([part], plain)).toEqual({ kind: "create", refundFen: 70 });
    expect(decide([part], { refundFen: 70, appRefundNo: null })).toMatchObject({ refundFen: 70 });
    expect(detailOf(decide([part], { refundFen: 71, appRefundNo: "B" }))).toContain("70 分");
    expect(decide([part], { refundFen: 20, appRefundNo: "B" })).toMatchObject({ refundFen: 20 });
  });

  test("of all that was left, repeated after another was closed, doesn't refund that too", () => {
    const closed = { ...stored("closed", "A"), refundFen: 30 };
    const rest = { ...stored("succeeded"), refundFen: 70 };
    expect(decide([closed, rest], plain)).toEqual({ kind: "repeat", refund: rest });
    const other = decide([closed, rest], { refundFen: 30, appRefundNo: null });
    expect(detailOf(other)).toContain("appRefundNo");
    expect(decide([closed, rest], { refundFen: 30, appRefundNo: "B" })).toMatchObject({
      kind: "create",
      refundFen: 30,
    });
  });

  test("counts what was refunded in WeChat's platform, and leaves the rest to the app", () => {
    const made = { ...stored("succeeded"), refundFen: 40, source: "platform" as const };
    expect(decide([made], plain)).toEqual({ kind: "create", refundFen: 60 });
    expect(detailOf(decide([made], { refundFen: 61, appRefundNo: "B" }))).toContain("60 分");
    const whole = { ...made, refundFen: 100 };
    expect(decide([whole], plain)).toEqual({ kind: "repeat", refund: whole });
  });

  test("is refused after as many refunds as WeChat takes, closed ones too", () => {
    const one = { ...stored("closed", "A"), refundFen: 1 };
    const many = Array.from({ length: MAX_REFUNDS }, (_, index) => ({
      ...one,
      appRefundNo: `A-${index}`,
    }));
    expect(detailOf(decide(many, { refundFen: 1, appRefundNo: "B" }))).toContain("50");
    expect(decide(many.slice(1), { refundFen: 1, appRefundNo: "B" }).kind).toBe("create");
    expect(decide(many.slice(1), { refundFen: 1, appRefundNo: "A-7" }).kind).toBe("refuse");
  });

  test("is refused a year after the payment, but for repeats", () => {
    const yearLater = PAID_AT + 365 * DAY_MS;
    expect(decide([], plain, yearLater).kind).toBe("create");
    expect(detailOf(decide([], plain, yearLater + 1))).toContain("一年");
    expect(decide([stored("refused")], plain, yearLater + 1).kind).toBe("send");
    const undated = { totalFen: 100, paidAt: null };
    expect(decideRefund(undated, [], plain, yearLater + 1).kind).toBe("create");
  });

  test("never makes live refunds of more than was paid, and never a second one for a live one", () => {
    const refunds = fc.array(
      fc.record({
        number: fc.uuid(),
        appRefundNo: fc.constantFrom(null, "A", "B"),
        refundFen: fc.integer({ min: 1, max: 100 }),
        state: fc.constantFrom(...STATES),
        source: fc.constantFrom("app" as const, "platform" as const),
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
        const decision = decide(all, wish);
        if (decision.kind === "create") {
          expect(held + decision.refundFen).toBeLessThanOrEqual(100);
          expect(wish.refundFen ?? decision.refundFen).toBe(decision.refundFen);
          expect(
            all.filter(({ appRefundNo }) => appRefundNo !== null).map((r) => r.appRefundNo),
          ).not.toContain(wish.appRefundNo);
          if (wish.appRefundNo === null) expect(held + decision.refundFen).toBe(100);
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
