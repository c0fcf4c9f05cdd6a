import * as fc from "fast-check";
import { action, step, turns } from "./step-arbitraries.ts";
import {
  APP_RESPONSES,
  D1_FAULTS,
  type Action,
  type History,
  type SignType,
  type Step,
} from "./steps.ts";

const CREATE: Step = { type: "create", app: 0, ownNumber: 0, totalFen: 100 };
const NEXT_TIMER: Step = { type: "run next timer", order: 0 };
const REFUND: Action = { type: "refund", order: 0, percent: null, ownNumber: null };
const PLATFORM_REFUND: Action = { type: "platform refund", order: 0, percent: 30 };
const REFUSE: Step = { type: "call fault", path: "refund", fault: "refuse" };
const PAY: Action = { type: "pay", order: 0, notify: true };
const NOTIFY: Action = { type: "deliver notifications" };
const ALARM: Action = { type: "run alarm", order: 0 };
const EXPIRED: readonly Step[] = [CREATE, { type: "advance clock", seconds: 7200 }];

/** The first steps. Most histories start with an order, so that the later steps have an effect. */
function opening(): fc.Arbitrary<readonly Step[]> {
  const paid: readonly Step[] = [CREATE, PAY, NOTIFY];
  const aboutToExpire: readonly Step[] = [CREATE, NEXT_TIMER, NEXT_TIMER, NEXT_TIMER];
  return fc.constantFrom<readonly Step[]>(
    [],
    [CREATE],
    paid,
    paid,
    [...paid, REFUND],
    aboutToExpire,
    [...aboutToExpire, NEXT_TIMER],
  );
}

/** Sequences of steps that put an invariant at risk and that independent draws rarely produce. */
function scenario(): fc.Arbitrary<readonly Step[]> {
  const unknownOutcome = fc.constantFrom(
    "no-answer",
    "systemerror",
    "wrong-signature",
    "html-page",
  );
  const unknownAfterExecution = fc.constantFrom(
    "no-answer-after",
    "drop-after",
    "systemerror-after",
    "unsigned",
  );
  const d1Fault = fc.record({
    type: fc.constant("D1 fault" as const),
    fault: fc.constantFrom(...D1_FAULTS),
    after: fc.nat({ max: 3 }),
  });
  return fc.oneof(
    // D1 fails while a payment, or a refund, is recorded.
    d1Fault.map((fault): Step[] => [PAY, fault, NOTIFY]),
    d1Fault.map((fault): Step[] => [fault, REFUND]),
    // D1 fails while a call to the app is recorded.
    d1Fault.map((fault): Step[] => [PAY, NOTIFY, fault, NEXT_TIMER]),
    d1Fault.map((fault): Step[] => [fault, NEXT_TIMER]),
    // WeChat's answer is unusable when an order expires.
    fc
      .tuple(fc.constantFrom("orderquery" as const, "closeorder" as const), unknownOutcome)
      .map(([path, fault]): Step[] => [{ type: "call fault", path, fault }, NEXT_TIMER]),
    // WeChat made the refund but its answer was lost; then it refuses the repeated request.
    unknownAfterExecution.map((fault): Step[] => [
      { type: "call fault", path: "refund", fault },
      REFUND,
      { type: "call fault", path: "refund", fault: "refuse" },
      REFUND,
    ]),
    // WeChat did not make the refund, and the gateway sends it again.
    unknownOutcome.map((fault): Step[] => [
      { type: "call fault", path: "refund", fault },
      REFUND,
      REFUND,
      NEXT_TIMER,
    ]),
    fc.constant<Step[]>([
      refundOf(30, 0),
      { type: "advance clock", seconds: 60 },
      refundOf(60, 1),
      refundOf(30, 0),
    ]),
    fc.constant<Step[]>([
      REFUND,
      { type: "decide refund", refund: 0, outcome: "CHANGE", notify: true },
      NOTIFY,
      NEXT_TIMER,
      { type: "decide refund", refund: 0, outcome: "SUCCESS", notify: true },
    ]),
    fc.constant<Step[]>([
      REFUND,
      { type: "decide refund", refund: 0, outcome: "REFUNDCLOSE", notify: true },
      NOTIFY,
      REFUND,
    ]),
    // Refunded in the merchant platform; then the app asks for everything, until it gets the rest.
    fc
      .record({ notify: fc.boolean(), own: fc.option(fc.nat({ max: 2 }), { freq: 2 }) })
      .map(({ notify, own }): Step[] => [
        PLATFORM_REFUND,
        { type: "advance clock", seconds: 60 },
        wholeRefund(own),
        notify ? NOTIFY : NEXT_TIMER,
        REFUND,
        wholeRefund(own),
        NEXT_TIMER,
      ]),
    // WeChat refuses, the query fails, and another request wants the amount.
    fc
      .constantFrom("no-answer" as const, "systemerror" as const, "refuse" as const)
      .map((fault): Step[] => [
        REFUSE,
        { type: "call fault", path: "refundquery", fault },
        refundOf(60, 0),
        { type: "call fault", path: "refundquery", fault },
        refundOf(100, 1),
        refundOf(100, 1),
        refundOf(60, 0),
        NEXT_TIMER,
      ]),
    // A refused refund is sent again while another request takes its amount.
    concurrently([PAY, NOTIFY, REFUSE, refundOf(60, 0)], [refundOf(60, 0), refundOf(100, 1)]),
    concurrently([PAY, NOTIFY, REFUSE, REFUND], [REFUND, refundOf(60, 1), ALARM]),
    concurrently([PAY, NOTIFY, PLATFORM_REFUND], [REFUND, refundOf(100, 1), NOTIFY]),
    concurrently([PAY, NOTIFY, REFUSE], [REFUND, PLATFORM_REFUND, REFUND, NOTIFY]),
    // Two requests refund the same money.
    concurrently([PAY, NOTIFY], [REFUND, refundOf(60, 1)]),
    concurrently([PAY, NOTIFY], [refundOf(60, 0), refundOf(70, 1)]),
    // The payer pays while the order is being closed.
    concurrently(EXPIRED, [ALARM, PAY, NOTIFY]),
    concurrently(EXPIRED, [ALARM, { type: "pay late", order: 0 }, NOTIFY]),
    concurrently([PAY], [NOTIFY, { type: "view", order: 0, sync: true, byOwnNumber: false }]),
    // A call to the app, and a crash during it.
    concurrently([PAY, NOTIFY], [ALARM]),
    fc
      .constantFrom(...APP_RESPONSES)
      .map((response): Step[] => [
        PAY,
        NOTIFY,
        { type: "app responses", responses: [response] },
        NEXT_TIMER,
        NEXT_TIMER,
      ]),
    // An app requests another app's order.
    fc
      .boolean()
      .map((refund): Step[] => [PAY, NOTIFY, { type: "foreign app request", order: 0, refund }]),
    fc.tuple(action, action).chain((both) => concurrently([], both)),
  );
}

function wholeRefund(ownNumber: number | null): Action {
  return { type: "refund", order: 0, percent: null, ownNumber };
}

function refundOf(percent: number, ownNumber: number): Action {
  return { type: "refund", order: 0, percent, ownNumber };
}

function concurrently(
  preparation: readonly Step[],
  actions: readonly Action[],
): fc.Arbitrary<readonly Step[]> {
  return fc
    .record({
      type: fc.constant("concurrently" as const),
      actions: fc.constant(actions),
      turns,
      crashAtTurn: fc.option(fc.nat({ max: 14 }), { freq: 2 }),
    })
    .map((it): readonly Step[] => preparation.concat(it));
}

function singleStep(it: Step): readonly Step[] {
  return [it];
}

/** A history. Half of them are in APIv3. */
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
        fc.oneof(
          { weight: 3, arbitrary: step.map(singleStep) },
          { weight: 2, arbitrary: scenario() },
        ),
        {
          minLength: 1,
          maxLength: 8,
          size: "max",
        },
      ),
    )
    .map(([first, rest]) => [first, ...rest].flat()),
});
