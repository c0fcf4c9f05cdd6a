import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  REFUND_FUNDS,
  REFUND_RELEASES,
  REFUND_STATES,
  type RefundState,
} from "../../src/domain/states.ts";
import {
  accountAfterRelease,
  decideRefund,
  firstAccount,
  isLive,
  isReportable,
  isFinal,
  mostUrgent,
  reportedState,
  MAX_REFUNDS,
  statesBefore,
  type RefundDecision,
  type RefundRequest,
  type ReportedStatus,
  type StoredRefund,
} from "../../src/domain/refund.ts";

/** The record's state after a report: unchanged, unless it is in one of the states before `to`. */
function moved(state: RefundState, to: RefundState): RefundState {
  return statesBefore(to).includes(state) ? to : state;
}

/** A full refund of 100 fen. */
function stored(state: RefundState, appRefundNo: string | null = null): StoredRefund {
  return {
    number: `no-${state}`,
    appRefundNo,
    refundFen: 100,
    state,
    released: null,
    source: "app",
  };
}

/** Every sequence of statuses that WeChat may report for a refund. */
const histories: fc.Arbitrary<readonly ReportedStatus[]> = fc.constantFrom(
  ["processing"],
  ["processing", "succeeded"],
  ["processing", "closed"],
  ["processing", "abnormal"],
  ["processing", "abnormal", "succeeded"],
  ["processing", "abnormal", "closed"],
);

describe("refund states", () => {
  test("never leave a final state", () => {
    for (const final of REFUND_STATES.filter(isFinal)) {
      expect(REFUND_STATES.filter((state) => statesBefore(state).includes(final))).toEqual([]);
    }
    expect(REFUND_STATES.filter(isFinal)).toEqual(["closed", "succeeded"]);
  });

  test("never return from known at WeChat to requested or refused", () => {
    for (const known of ["accepted", "abnormal", "closed", "succeeded"] as const) {
      expect(moved(known, "requested")).toBe(known);
      expect(moved(known, "refused")).toBe(known);
    }
  });

  test("allow every report after a request or a refusal", () => {
    for (const status of ["processing", "succeeded", "closed", "abnormal"] as const) {
      const state = reportedState(status);
      expect(statesBefore(state)).toEqual(expect.arrayContaining(["requested", "refused"]));
      expect(moved("requested", state)).toBe(state);
    }
    expect(moved("requested", "refused")).toBe("refused");
    expect(moved("refused", "requested")).toBe("requested");
  });

  test("are reportable when final or abnormal, and live unless closed or released", () => {
    expect(REFUND_STATES.filter(isReportable)).toEqual(["abnormal", "closed", "succeeded"]);
    const dead = REFUND_STATES.filter((state) => !isLive({ state, released: null }));
    expect(dead).toEqual(["closed"]);
    for (const released of REFUND_RELEASES) {
      expect(REFUND_STATES.filter((state) => !isLive({ state, released }))).toEqual([
        "refused",
        "closed",
      ]);
    }
  });
});

describe("I4: refund states", () => {
  test("end the same for any order and repetition of the same reports", () => {
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

/** Decides about a request a day after a payment of 100 fen. */
function decide<R extends StoredRefund>(
  refunds: readonly R[],
  request: RefundRequest,
  nowAt = PAID_AT + DAY_MS,
): RefundDecision<R> {
  return decideRefund({ totalFen: 100, paidAt: PAID_AT }, refunds, request, nowAt);
}

/** The message of a refusal; empty for any other decision. */
function detailOf(decision: RefundDecision<StoredRefund>): string {
  return decision.kind === "refuse" ? decision.detail : "";
}

describe("decideRefund", () => {
  const plain = { refundFen: null, appRefundNo: null };

  test("creates a full refund for an order without refunds", () => {
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
    ["succeeded", "repeat"],
  ] as const)("finds the earlier refund in state %s: %s", ([state, kind]) => {
    expect(decide([stored(state)], plain)).toEqual({ kind, refund: stored(state) });
    const named = stored(state, "R");
    const request = { refundFen: null, appRefundNo: "R" };
    expect(decide([named], request)).toEqual({ kind, refund: named });
    expect(decide([named], plain)).toEqual({ kind, refund: named });
  });

  test("names a stuck refund instead of repeating it", () => {
    const stuck = stored("abnormal", "R");
    const named = decide([stuck], { refundFen: null, appRefundNo: "R" });
    expect(detailOf(named)).toMatch(/^退款异常.*no-abnormal/);
    expect(detailOf(decide([stored("abnormal")], plain))).toMatch(/^退款异常/);
    const part = { ...stuck, refundFen: 30 };
    const rest = { ...stored("succeeded", "S"), refundFen: 70 };
    expect(detailOf(decide([part, rest], plain))).toMatch(/^退款异常.*30 分/);
    expect(decide([part, rest], { refundFen: 70, appRefundNo: "S" }).kind).toBe("repeat");
  });

  test("creates a new refund after a closed one, but not under its number", () => {
    const closed = stored("closed", "R");
    expect(decide([closed], plain)).toEqual({ kind: "create", refundFen: 100 });
    const request = { refundFen: null, appRefundNo: "R" };
    expect(decide([closed], request).kind).toBe("refuse");
  });

  test("requires the app's own number for a partial refund, and finds it again by that", () => {
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

  test("allows what is left, and nothing more", () => {
    const part = { ...stored("requested", "A"), refundFen: 30 };
    expect(decide([part], plain)).toEqual({ kind: "create", refundFen: 70 });
    expect(decide([part], { refundFen: 70, appRefundNo: null })).toMatchObject({ refundFen: 70 });
    expect(detailOf(decide([part], { refundFen: 71, appRefundNo: "B" }))).toContain("70 分");
    expect(decide([part], { refundFen: 20, appRefundNo: "B" })).toMatchObject({ refundFen: 20 });
  });

  describe("after a refusal whose absence at WeChat is confirmed", () => {
    const free = (refundFen: number, appRefundNo: string | null = null) => ({
      ...stored("refused", appRefundNo),
      refundFen,
      released: "free" as const,
    });
    const elsewhere = { ...stored("succeeded"), refundFen: 30, source: "platform" as const };

    test("sends the same refund again while its amount is left", () => {
      expect(decide([free(100)], plain)).toEqual({ kind: "send", refund: free(100) });
      const named = free(30, "A");
      expect(decide([named], { refundFen: 30, appRefundNo: "A" })).toEqual({
        kind: "send",
        refund: named,
      });
    });

    test("lets a repeat of a request for everything take what is left now", () => {
      expect(decide([free(100), elsewhere], plain)).toEqual({ kind: "create", refundFen: 70 });
      expect(decide([elsewhere, free(60)], plain)).toEqual({ kind: "create", refundFen: 70 });
    });

    test("lets another request take the amount", () => {
      const other = { refundFen: 100, appRefundNo: "B" };
      expect(decide([free(100, "A")], other)).toEqual({ kind: "create", refundFen: 100 });
      expect(decide([free(100, "A")], plain)).toEqual({ kind: "create", refundFen: 100 });
    });

    test("never sends a refund again whose amount was taken, and says so", () => {
      const taken = { ...free(60, "A"), released: "taken" as const };
      const repeat = { refundFen: null, appRefundNo: "A" };
      expect(detailOf(decide([taken], repeat))).toMatch(/其金额已被其他退款占用.*剩余可退 100 分/);
      const large = free(100, "A");
      expect(detailOf(decide([large, elsewhere], repeat))).toMatch(
        /剩余可退 70 分.*新的 appRefundNo/,
      );
    });

    test("doesn't count it among the 50 refunds that WeChat takes", () => {
      const many = Array.from({ length: MAX_REFUNDS }, (_, index) => free(1, `A-${index}`));
      expect(decide(many, { refundFen: 1, appRefundNo: "B" }).kind).toBe("create");
    });
  });

  describe("after a refusal whose absence at WeChat isn't confirmed", () => {
    const held = { ...stored("refused", "A"), refundFen: 70 };

    test("waits with a request that needs its amount", () => {
      expect(decide([held], { refundFen: 31, appRefundNo: "B" })).toEqual({
        kind: "wait",
        refund: held,
      });
      expect(
        decide([{ ...held, refundFen: 100 }], { refundFen: null, appRefundNo: "B" }).kind,
      ).toBe("wait");
    });

    test("creates what is left without it, and refuses what never fits", () => {
      expect(decide([held], { refundFen: 30, appRefundNo: "B" }).kind).toBe("create");
      expect(detailOf(decide([held], { refundFen: 101, appRefundNo: "B" }))).toContain("30 分");
    });
  });

  test("doesn't refund a closed amount when a refund of the rest is repeated", () => {
    const closed = { ...stored("closed", "A"), refundFen: 30 };
    const rest = { ...stored("succeeded"), refundFen: 70 };
    expect(decide([closed, rest], plain)).toEqual({ kind: "repeat", refund: rest });
    const partial = decide([closed, rest], { refundFen: 30, appRefundNo: null });
    expect(detailOf(partial)).toContain("appRefundNo");
    expect(decide([closed, rest], { refundFen: 30, appRefundNo: "B" })).toMatchObject({
      kind: "create",
      refundFen: 30,
    });
  });

  test("counts refunds made in WeChat's platform, and leaves the rest to the app", () => {
    const made = { ...stored("succeeded"), refundFen: 40, source: "platform" as const };
    expect(decide([made], plain)).toEqual({ kind: "create", refundFen: 60 });
    expect(detailOf(decide([made], { refundFen: 61, appRefundNo: "B" }))).toContain("60 分");
    const whole = { ...made, refundFen: 100 };
    expect(decide([whole], plain)).toEqual({ kind: "repeat", refund: whole });
  });

  test("refuses after the maximum number of refunds, including closed ones", () => {
    const closed = { ...stored("closed", "A"), refundFen: 1 };
    const many = Array.from({ length: MAX_REFUNDS }, (_, index) => ({
      ...closed,
      appRefundNo: `A-${index}`,
    }));
    expect(detailOf(decide(many, { refundFen: 1, appRefundNo: "B" }))).toContain("50");
    expect(decide(many.slice(1), { refundFen: 1, appRefundNo: "B" }).kind).toBe("create");
    expect(decide(many.slice(1), { refundFen: 1, appRefundNo: "A-7" }).kind).toBe("refuse");
  });

  test("refuses a new refund a year after the payment, but not a repeat", () => {
    const yearLater = PAID_AT + 365 * DAY_MS;
    expect(decide([], plain, yearLater).kind).toBe("create");
    expect(detailOf(decide([], plain, yearLater + 1))).toContain("一年");
    expect(decide([stored("refused")], plain, yearLater + 1).kind).toBe("send");
    const undated = { totalFen: 100, paidAt: null };
    expect(decideRefund(undated, [], plain, yearLater + 1).kind).toBe("create");
  });
});

describe("I1: decideRefund", () => {
  test("never exceeds the paid amount, and never creates a second refund for a request", () => {
    const refunds = fc.array(
      fc.record({
        number: fc.uuid(),
        appRefundNo: fc.constantFrom(null, "A", "B"),
        refundFen: fc.integer({ min: 1, max: 100 }),
        state: fc.constantFrom(...REFUND_STATES),
        released: fc.constantFrom(null, ...REFUND_RELEASES),
        source: fc.constantFrom("app" as const, "platform" as const),
      }),
      { maxLength: 4 },
    );
    const requests = fc.record({
      refundFen: fc.option(fc.integer({ min: 1, max: 150 })),
      appRefundNo: fc.constantFrom(null, "A", "B", "C"),
    });
    fc.assert(
      fc.property(refunds, requests, (all, request) => {
        const held = all.filter(isLive).reduce((sum, { refundFen }) => sum + refundFen, 0);
        const decision = decide(all, request);
        if (decision.kind === "create") {
          expect(held + decision.refundFen).toBeLessThanOrEqual(100);
          expect(request.refundFen ?? decision.refundFen).toBe(decision.refundFen);
          expect(
            all.filter(({ appRefundNo }) => appRefundNo !== null).map((r) => r.appRefundNo),
          ).not.toContain(request.appRefundNo);
          if (request.appRefundNo === null) expect(held + decision.refundFen).toBe(100);
        }
        if (decision.kind === "send" || decision.kind === "repeat") {
          const { refund } = decision;
          const isFree = refund.state === "refused" && refund.released === "free";
          expect(isLive(refund) || isFree).toBe(true);
          if (isFree) expect(held + refund.refundFen).toBeLessThanOrEqual(100);
          expect(request.refundFen ?? decision.refund.refundFen).toBe(decision.refund.refundFen);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("the account that a refund names", () => {
  test("is the merchant's choice at first", () => {
    expect(REFUND_FUNDS.map(firstAccount)).toEqual([null, "available", null]);
  });

  test("follows the merchant's choice after a release, but keeps the second account", () => {
    expect(REFUND_FUNDS.map((funds) => accountAfterRelease(funds, null))).toEqual([
      null,
      "available",
      null,
    ]);
    expect(REFUND_FUNDS.map((funds) => accountAfterRelease(funds, "available"))).toEqual([
      null,
      "available",
      "available",
    ]);
  });
});

describe("mostUrgent", () => {
  const free = { ...stored("refused"), released: "free" as const };
  const taken = { ...stored("refused"), released: "taken" as const };

  test("ranks by how much a refund needs eyes", () => {
    const ranking = [
      stored("abnormal"),
      free,
      stored("requested"),
      stored("accepted"),
      stored("succeeded"),
    ];
    for (const [rank, expected] of ranking.entries()) {
      for (const order of [ranking.slice(rank), ranking.slice(rank).toReversed()]) {
        expect(mostUrgent(order)).toBe(expected);
      }
    }
    expect(mostUrgent([])).toBeNull();
  });

  test("takes the latest among equals: of those that have ended or were taken, too", () => {
    const [closed, succeeded] = [stored("closed"), stored("succeeded")];
    expect(mostUrgent([closed, succeeded])).toBe(succeeded);
    expect(mostUrgent([succeeded, closed])).toBe(closed);
    expect(mostUrgent([taken, succeeded])).toBe(succeeded);
    expect(mostUrgent([stored("refused"), free])).toBe(free);
    expect(mostUrgent([free, stored("refused")])).toMatchObject({ released: null });
  });
});
