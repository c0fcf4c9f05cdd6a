import * as fc from "fast-check";
import { action, step, turns } from "./draw-steps.ts";
import {
  APP_REPLIES,
  TRIP_FAULTS,
  type Action,
  type History,
  type SignType,
  type Step,
} from "./steps.ts";

const ORDER: Step = { do: "create", app: 0, own: 0, fen: 100 };
const NEXT: Step = { do: "next", order: 0 };
const REFUND: Action = { do: "refund", order: 0, percent: null, own: null };
const PAY: Action = { do: "pay", order: 0, notify: true };
const NOTICES: Action = { do: "notices" };
const ALARM: Action = { do: "alarm", order: 0 };
const EXPIRED: readonly Step[] = [ORDER, { do: "wait", seconds: 7200 }];

/** Where a history begins: most with an order that has come some way, lest nothing happens to it. */
function opening(): fc.Arbitrary<readonly Step[]> {
  const paid: readonly Step[] = [ORDER, PAY, NOTICES];
  const aboutToExpire: readonly Step[] = [ORDER, NEXT, NEXT, NEXT];
  return fc.constantFrom<readonly Step[]>(
    [],
    [ORDER],
    paid,
    paid,
    [...paid, REFUND],
    aboutToExpire,
    [...aboutToExpire, NEXT],
  );
}

/** Steps that mean little by themselves and much in this order: each invariant's hour of danger. */
function passage(): fc.Arbitrary<readonly Step[]> {
  const unsure = fc.constantFrom("no-answer", "systemerror", "wrong-signature", "html-page");
  const unsureAfter = fc.constantFrom(
    "no-answer-after",
    "drop-after",
    "systemerror-after",
    "unsigned",
  );
  const trip = fc.record({
    do: fc.constant("d1 fault" as const),
    fault: fc.constantFrom(...TRIP_FAULTS),
    after: fc.nat({ max: 3 }),
  });
  return fc.oneof(
    // D1 fails while a payment, or a refund, is being booked.
    trip.map((fault): Step[] => [PAY, fault, NOTICES]),
    trip.map((fault): Step[] => [fault, REFUND]),
    // D1 fails while a call to the app is being recorded.
    trip.map((fault): Step[] => [PAY, NOTICES, fault, NEXT]),
    trip.map((fault): Step[] => [fault, NEXT]),
    // WeChat says nothing of use when an order expires.
    fc
      .tuple(fc.constantFrom("orderquery" as const, "closeorder" as const), unsure)
      .map(([path, fault]): Step[] => [{ do: "call fault", path, fault }, NEXT]),
    // A refund that was made, though nobody knows; then a refusal of its repeat.
    unsureAfter.map((fault): Step[] => [
      { do: "call fault", path: "refund", fault },
      REFUND,
      { do: "call fault", path: "refund", fault: "refuse" },
      REFUND,
    ]),
    // One that was not made, and is sent again.
    unsure.map((fault): Step[] => [
      { do: "call fault", path: "refund", fault },
      REFUND,
      REFUND,
      NEXT,
    ]),
    fc.constant<Step[]>([part(30, 0), { do: "wait", seconds: 60 }, part(60, 1), part(30, 0)]),
    fc.constant<Step[]>([
      REFUND,
      { do: "decide", refund: 0, end: "CHANGE", notify: true },
      NOTICES,
      NEXT,
      { do: "decide", refund: 0, end: "SUCCESS", notify: true },
    ]),
    fc.constant<Step[]>([
      REFUND,
      { do: "decide", refund: 0, end: "REFUNDCLOSE", notify: true },
      NOTICES,
      REFUND,
    ]),
    // The same money from two sides.
    together([PAY, NOTICES], [REFUND, part(60, 1)]),
    together([PAY, NOTICES], [part(60, 0), part(70, 1)]),
    // The last moment: the payer pays while the order is being closed.
    together(EXPIRED, [ALARM, PAY, NOTICES]),
    together(EXPIRED, [ALARM, { do: "pay late", order: 0 }, NOTICES]),
    together([PAY], [NOTICES, { do: "view", order: 0, sync: true, byOwn: false }]),
    // A call to the app, and a crash in its middle.
    together([PAY, NOTICES], [ALARM]),
    fc
      .constantFrom(...APP_REPLIES)
      .map((reply): Step[] => [PAY, NOTICES, { do: "app replies", replies: [reply] }, NEXT, NEXT]),
    // An app that reaches for another's money.
    fc.boolean().map((refund): Step[] => [PAY, NOTICES, { do: "pry", order: 0, refund }]),
    fc.tuple(action, action).chain((both) => together([], both)),
  );
}

function part(percent: number, own: number): Action {
  return { do: "refund", order: 0, percent, own };
}

function together(
  first: readonly Step[],
  actions: readonly Action[],
): fc.Arbitrary<readonly Step[]> {
  return fc
    .record({
      do: fc.constant("together" as const),
      actions: fc.constant(actions),
      turns,
      crashAt: fc.option(fc.nat({ max: 14 }), { freq: 2 }),
    })
    .map((at): readonly Step[] => first.concat(at));
}

function alone(it: Step): readonly Step[] {
  return [it];
}

/** Half of all histories are in APIv3. */
export const history: fc.Arbitrary<History> = fc.record({
  signType: fc.oneof(
    { weight: 1, arbitrary: fc.constant<SignType>("MD5") },
    { weight: 1, arbitrary: fc.constant<SignType>("HMAC-SHA256") },
    { weight: 2, arbitrary: fc.constant<SignType>("RSA") },
  ),
  steps: fc
    .tuple(
      opening(),
      fc.array(
        fc.oneof({ weight: 3, arbitrary: step.map(alone) }, { weight: 2, arbitrary: passage() }),
        {
          minLength: 1,
          maxLength: 8,
          size: "max",
        },
      ),
    )
    .map(([first, rest]) => [first, ...rest].flat()),
});
