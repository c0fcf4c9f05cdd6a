import * as fc from "fast-check";
import {
  CALL_FAULTS,
  COMMON_CALLS,
  NOTIFICATION_FAULTS,
} from "../../../sandbox/src/ledger/fault-names.ts";
import {
  APP_RESPONSES,
  CONNECTION_FAULTS,
  D1_FAULTS,
  FORGERIES,
  NEWEST,
  REFUND_OUTCOMES,
  type Action,
  type AppIndex,
  type Step,
} from "./steps.ts";

/** Without `slow`, which only makes an answer late. */
const DRAWN_CALL_FAULTS = CALL_FAULTS.filter((fault) => fault !== "slow");

/** Without `before-its-time`: its own step makes sure that the order is paid afterwards. */
const DRAWN_NOTIFICATION_FAULTS = NOTIFICATION_FAULTS.filter(
  (fault) => fault !== "before-its-time",
);

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** In seconds. */
const CLOCK_ADVANCES = [
  1,
  15,
  45,
  MINUTE,
  5 * MINUTE,
  31 * MINUTE,
  2 * HOUR,
  7 * HOUR,
  DAY,
  8 * DAY,
] as const;

const index = fc.nat({ max: 5 });
const app = fc.constantFrom<AppIndex>(0, 1);
const ownNumber = fc.option(fc.nat({ max: 2 }), { freq: 2 });

const create = fc.record<Extract<Action, { type: "create" }>>({
  type: fc.constant("create"),
  app,
  ownNumber,
  totalFen: fc.constantFrom(100, 1, 99_999),
});
const refund = fc.record<Extract<Action, { type: "refund" }>>({
  type: fc.constant("refund"),
  order: index,
  percent: fc.option(fc.constantFrom(30, 60, 100, 130), { freq: 2 }),
  ownNumber,
});
const platformRefund = fc.record<Extract<Action, { type: "platform refund" }>>({
  type: fc.constant("platform refund"),
  order: index,
  percent: fc.option(fc.constantFrom(30, 60), { freq: 3 }),
});
const view = fc.record<Extract<Action, { type: "view" }>>({
  type: fc.constant("view"),
  order: index,
  sync: fc.boolean(),
  byOwnNumber: fc.boolean(),
});
const deliverNotifications = fc.constant<Action>({ type: "deliver notifications" });
const runAlarm = fc.record<Extract<Action, { type: "run alarm" }>>({
  type: fc.constant("run alarm"),
  order: index,
});
const operatorRequest = fc.record<Extract<Action, { type: "operator request" }>>({
  type: fc.constant("operator request"),
  order: index,
  operation: fc.constantFrom("redeliver pay", "redeliver refund", "sync"),
});

/** Any step that can run at the same time as others. */
export const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("pay" as const), order: index, notify: oddsOf(5) }),
  },
  { weight: 2, arbitrary: create },
  { weight: 5, arbitrary: refund },
  { weight: 1, arbitrary: platformRefund },
  { weight: 2, arbitrary: view },
  { weight: 4, arbitrary: deliverNotifications },
  { weight: 4, arbitrary: runAlarm },
  { weight: 1, arbitrary: operatorRequest },
);

/** Runs of equal turns, so that one action often proceeds far enough to overtake another. */
export const turns = fc
  .array(fc.tuple(fc.nat({ max: NEWEST }), fc.integer({ min: 1, max: 12 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((runs) => runs.flatMap(([turn, times]) => Array<number>(times).fill(turn)));

const concurrently = fc.record<Extract<Step, { type: "concurrently" }>>({
  type: fc.constant("concurrently"),
  actions: fc.array(action, { minLength: 2, maxLength: 4 }),
  turns,
  crashAtTurn: fc.option(fc.nat({ max: 20 }), { freq: 2 }),
});

const callFault = fc.record<Extract<Step, { type: "call fault" }>>({
  type: fc.constant("call fault"),
  path: fc.constantFrom(...COMMON_CALLS),
  fault: fc.constantFrom(...DRAWN_CALL_FAULTS),
});
/** The faults that matter most: the outcome of the refund is unknown. */
const refundFault = fc.record<Extract<Step, { type: "call fault" }>>({
  type: fc.constant("call fault"),
  path: fc.constantFrom("refund", "refundquery"),
  fault: fc.constantFrom(
    "no-answer",
    "drop-after",
    "systemerror-after",
    "wrong-signature",
    "refuse",
  ),
});

/** Faults of one refund that WeChat refuses: the refusal, or the query that is to confirm it. */
const refusedRefund = fc.record<Extract<Step, { type: "call fault" }>>({
  type: fc.constant("call fault"),
  path: fc.constantFrom("refund", "refundquery"),
  fault: fc.constantFrom("refuse", "no-answer", "systemerror"),
});

/** Any step. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: create },
  {
    weight: 7,
    arbitrary: fc.record({ type: fc.constant("pay" as const), order: index, notify: oddsOf(5) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("notify before paid" as const), app }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("pay late" as const), order: index }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("close at WeChat" as const), order: index }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("repeat payment notification" as const),
      order: index,
    }),
  },
  { weight: 5, arbitrary: deliverNotifications },
  { weight: 6, arbitrary: refund },
  { weight: 2, arbitrary: platformRefund },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("decide refund" as const),
      refund: index,
      outcome: fc.constantFrom(...REFUND_OUTCOMES),
      notify: oddsOf(3),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("repeat refund notification" as const),
      refund: index,
    }),
  },
  { weight: 3, arbitrary: view },
  { weight: 3, arbitrary: runAlarm },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("run next timer" as const), order: index }),
  },
  { weight: 1, arbitrary: operatorRequest },
  { weight: 3, arbitrary: callFault },
  { weight: 3, arbitrary: refundFault },
  { weight: 3, arbitrary: refusedRefund },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("connection fault" as const),
      fault: fc.constantFrom(...CONNECTION_FAULTS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("notification fault" as const),
      kind: fc.constantFrom("pay" as const, "refund" as const),
      fault: fc.constantFrom(...DRAWN_NOTIFICATION_FAULTS),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("D1 fault" as const),
      fault: fc.constantFrom(...D1_FAULTS),
      after: fc.nat({ max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("app responses" as const),
      responses: fc.array(fc.constantFrom(...APP_RESPONSES), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("forged notification" as const),
      order: index,
      forgery: fc.constantFrom(...FORGERIES),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("foreign app request" as const),
      order: index,
      refund: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("advance clock" as const),
      seconds: fc.constantFrom(...CLOCK_ADVANCES),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("evict object" as const), order: index }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("crash" as const) }) },
  { weight: 4, arbitrary: concurrently },
);

/** True `times` times out of `times` + 1. */
function oddsOf(times: number): fc.Arbitrary<boolean> {
  return fc.nat({ max: times }).map((draw) => draw < times);
}
