import * as fc from "fast-check";
import {
  APP_REPLIES,
  FORGERIES,
  LINE_FAULTS,
  NEWEST,
  REFUND_ENDS,
  TRIP_FAULTS,
  type Action,
  type AppIndex,
  type Step,
} from "./steps.ts";

const CALLS = ["unifiedorder", "orderquery", "closeorder", "refund", "refundquery"] as const;

const ANSWER_FAULTS = [
  "no-answer",
  "no-answer-after",
  "drop-before",
  "drop-after",
  "http-500",
  "http-500-after",
  "systemerror",
  "systemerror-after",
  "wrong-signature",
  "unsigned",
  "html-page",
  "refuse",
  "wrong-amount",
  "wrong-merchant",
  "wrong-app",
  "probe",
  "wrong-clock",
  "unknown-serial",
  "other-body",
  "missing-header",
] as const;

/** Without `before-its-time`, which has a step of its own, lest the order is never paid after all. */
const NOTICE_FAULTS = [
  "late",
  "twice",
  "wrong-amount",
  "wrong-merchant",
  "wrong-app",
  "forged",
  "unsigned",
  "never",
  "truncated",
  "probe",
  "wrong-clock",
  "unknown-serial",
  "other-body",
  "missing-header",
] as const;

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WAITS = [
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

const pick = fc.nat({ max: 5 });
const app = fc.constantFrom<AppIndex>(0, 1);
const own = fc.option(fc.nat({ max: 2 }), { freq: 2 });

const create = fc.record<Extract<Action, { do: "create" }>>({
  do: fc.constant("create"),
  app,
  own,
  fen: fc.constantFrom(100, 1, 99_999),
});
const refund = fc.record<Extract<Action, { do: "refund" }>>({
  do: fc.constant("refund"),
  order: pick,
  percent: fc.option(fc.constantFrom(30, 60, 100, 130), { freq: 2 }),
  own,
});
const view = fc.record<Extract<Action, { do: "view" }>>({
  do: fc.constant("view"),
  order: pick,
  sync: fc.boolean(),
  byOwn: fc.boolean(),
});
const notices = fc.constant<Action>({ do: "notices" });
const alarm = fc.record<Extract<Action, { do: "alarm" }>>({
  do: fc.constant("alarm"),
  order: pick,
});
const operator = fc.record<Extract<Action, { do: "operator" }>>({
  do: fc.constant("operator"),
  order: pick,
  deed: fc.constantFrom("redeliver pay", "redeliver refund", "sync"),
});

/** Anything that can happen at the same time as others. */
export const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("pay" as const), order: pick, notify: boolean(5) }),
  },
  { weight: 2, arbitrary: create },
  { weight: 5, arbitrary: refund },
  { weight: 2, arbitrary: view },
  { weight: 4, arbitrary: notices },
  { weight: 4, arbitrary: alarm },
  { weight: 1, arbitrary: operator },
);

/** Whoever goes on, often goes on for a while: that is how one overtakes another altogether. */
export const turns = fc
  .array(fc.tuple(fc.nat({ max: NEWEST }), fc.integer({ min: 1, max: 12 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((runs) => runs.flatMap(([turn, times]) => Array<number>(times).fill(turn)));

const together = fc.record<Extract<Step, { do: "together" }>>({
  do: fc.constant("together"),
  actions: fc.array(action, { minLength: 2, maxLength: 4 }),
  turns,
  crashAt: fc.option(fc.nat({ max: 20 }), { freq: 2 }),
});

const callFault = fc.record<Extract<Step, { do: "call fault" }>>({
  do: fc.constant("call fault"),
  path: fc.constantFrom(...CALLS),
  fault: fc.constantFrom(...ANSWER_FAULTS),
});
/** The faults that matter most: nobody knows what became of the refund. */
const refundFault = fc.record<Extract<Step, { do: "call fault" }>>({
  do: fc.constant("call fault"),
  path: fc.constantFrom("refund", "refundquery"),
  fault: fc.constantFrom(
    "no-answer",
    "drop-after",
    "systemerror-after",
    "wrong-signature",
    "refuse",
  ),
});

/** Anything that can happen. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: create },
  {
    weight: 7,
    arbitrary: fc.record({ do: fc.constant("pay" as const), order: pick, notify: boolean(5) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pay early" as const), app }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pay late" as const), order: pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close at wechat" as const), order: pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("notify again" as const), order: pick }) },
  { weight: 5, arbitrary: notices },
  { weight: 6, arbitrary: refund },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("decide" as const),
      refund: pick,
      end: fc.constantFrom(...REFUND_ENDS),
      notify: boolean(3),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("notify refund again" as const), refund: pick }),
  },
  { weight: 3, arbitrary: view },
  { weight: 3, arbitrary: alarm },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("next" as const), order: pick }) },
  { weight: 1, arbitrary: operator },
  { weight: 3, arbitrary: callFault },
  { weight: 3, arbitrary: refundFault },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("line fault" as const),
      fault: fc.constantFrom(...LINE_FAULTS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("notice fault" as const),
      kind: fc.constantFrom("pay" as const, "refund" as const),
      fault: fc.constantFrom(...NOTICE_FAULTS),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("d1 fault" as const),
      fault: fc.constantFrom(...TRIP_FAULTS),
      after: fc.nat({ max: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("app replies" as const),
      replies: fc.array(fc.constantFrom(...APP_REPLIES), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("forge" as const),
      order: pick,
      what: fc.constantFrom(...FORGERIES),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("pry" as const), order: pick, refund: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("wait" as const), seconds: fc.constantFrom(...WAITS) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("evict" as const), order: pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const) }) },
  { weight: 4, arbitrary: together },
);

/** True `often` times out of `often` + 1. */
function boolean(often: number): fc.Arbitrary<boolean> {
  return fc.nat({ max: often }).map((draw) => draw < often);
}
