import * as fc from "fast-check";
import type {
  ApiCall,
  CallFault,
  NotificationFault,
} from "../../../sandbox/src/ledger/fault-names.ts";

/*
 * What can happen in a history, as plain data: so a history can be drawn, shrunk, printed and
 * replayed. `order` and `refund` are picks: the number modulo how many there are at that moment.
 */

/** One of the two apps; both belong to the same merchant. */
export type AppIndex = 0 | 1;

/** What may go on at the same time as others of its kind. */
export type Action =
  | {
      readonly do: "create";
      readonly app: AppIndex;
      /** Which of the app's own numbers; null for none. */
      readonly own: number | null;
      readonly fen: number;
    }
  | {
      readonly do: "refund";
      readonly order: number;
      /** Percent of the order's amount; null for all that is left. */
      readonly percent: number | null;
      /** Which of the app's own refund numbers; null for none. */
      readonly own: number | null;
    }
  | { readonly do: "view"; readonly order: number; readonly sync: boolean; readonly byOwn: boolean }
  | { readonly do: "notices" }
  | { readonly do: "alarm"; readonly order: number }
  | {
      readonly do: "operator";
      readonly order: number;
      readonly deed: "redeliver pay" | "redeliver refund" | "sync";
    };

export type AppReplyName = (typeof APP_REPLIES)[number];
export type ForgeryName = (typeof FORGERIES)[number];
export type RefundEnd = (typeof REFUND_ENDS)[number];
export type LineFault = (typeof LINE_FAULTS)[number];
export type TripFault = (typeof TRIP_FAULTS)[number];

export type Step =
  | Action
  /** The payer pays, with the parameters that the app was given last. */
  | { readonly do: "pay"; readonly order: number; readonly notify: boolean }
  /** The payer was just paying when the order was closed. */
  | { readonly do: "pay late"; readonly order: number }
  /** A new order whose payment is told before WeChat itself has it as paid. */
  | { readonly do: "pay early"; readonly app: AppIndex }
  | { readonly do: "close at wechat"; readonly order: number }
  | { readonly do: "notify again"; readonly order: number }
  | {
      readonly do: "decide";
      readonly refund: number;
      readonly end: RefundEnd;
      readonly notify: boolean;
    }
  | { readonly do: "notify refund again"; readonly refund: number }
  | { readonly do: "call fault"; readonly path: ApiCall; readonly fault: CallFault }
  | { readonly do: "line fault"; readonly fault: LineFault }
  | {
      readonly do: "notice fault";
      readonly kind: "pay" | "refund";
      readonly fault: NotificationFault;
    }
  | { readonly do: "d1 fault"; readonly fault: TripFault; readonly after: number }
  | { readonly do: "app replies"; readonly replies: readonly AppReplyName[] }
  | { readonly do: "forge"; readonly order: number; readonly what: ForgeryName }
  /** Another app asks about an order, or wants it refunded. */
  | { readonly do: "pry"; readonly order: number; readonly refund: boolean }
  | { readonly do: "wait"; readonly seconds: number }
  /** Until the order's next timer is due; then it runs. */
  | { readonly do: "next"; readonly order: number }
  | { readonly do: "evict"; readonly order: number }
  | { readonly do: "crash" }
  | {
      readonly do: "together";
      readonly actions: readonly Action[];
      /** Which of those that wait to go on goes on next. */
      readonly turns: readonly number[];
      /** After so many turns all objects are thrown out of memory; null for never. */
      readonly crashAt: number | null;
    };

export const APP_REPLIES = [
  "confirm",
  "json 0",
  "json 1",
  "http 500",
  "redirect",
  "garbage",
  "retry later",
  "unreachable",
] as const;

export const FORGERIES = ["garbage", "payment", "refund", "replayed signature"] as const;

export const REFUND_ENDS = ["SUCCESS", "CHANGE", "REFUNDCLOSE"] as const;

/** No connection; before or after WeChat has done what it was asked. */
export const LINE_FAULTS = ["lost before", "lost after"] as const;

/** The same of D1. */
export const TRIP_FAULTS = ["lost before", "lost after"] as const;

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

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 2, arbitrary: create },
  { weight: 5, arbitrary: refund },
  { weight: 2, arbitrary: view },
  { weight: 4, arbitrary: notices },
  { weight: 4, arbitrary: alarm },
  { weight: 1, arbitrary: operator },
);

const together = fc.record<Extract<Step, { do: "together" }>>({
  do: fc.constant("together"),
  actions: fc.array(action, { minLength: 2, maxLength: 4 }),
  turns: fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 30 }),
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

const step: fc.Arbitrary<Step> = fc.oneof(
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

/** How the history's merchant signs, which tells its protocol. */
export const SIGN_TYPES = ["MD5", "HMAC-SHA256", "RSA"] as const;
export type SignType = (typeof SIGN_TYPES)[number];

export interface History {
  readonly signType: SignType;
  readonly steps: readonly Step[];
}

/** Half of all histories are in APIv3. Most begin with an order, lest nothing happens to it. */
export const history: fc.Arbitrary<History> = fc.record({
  signType: fc.oneof(
    { weight: 1, arbitrary: fc.constant<SignType>("MD5") },
    { weight: 1, arbitrary: fc.constant<SignType>("HMAC-SHA256") },
    { weight: 2, arbitrary: fc.constant<SignType>("RSA") },
  ),
  steps: fc
    .tuple(opening(), fc.array(step, { minLength: 1, maxLength: 14, size: "max" }))
    .map((parts) => parts.flat()),
});

/** Where a history begins: nowhere, with an order, with a paid one, with one being refunded. */
function opening(): fc.Arbitrary<readonly Step[]> {
  const order: Step = { do: "create", app: 0, own: 0, fen: 100 };
  const paid: readonly Step[] = [order, { do: "pay", order: 0, notify: true }, { do: "notices" }];
  const wish: Step = { do: "refund", order: 0, percent: null, own: null };
  // Closed and failed, as the gateway leaves what nobody pays.
  const next: Step = { do: "next", order: 0 };
  const over: readonly Step[] = [order, next, next, next, next];
  return fc.constantFrom<readonly Step[]>([], [order], paid, paid, [...paid, wish], over);
}

/** True `often` times out of `often` + 1. */
function boolean(often: number): fc.Arbitrary<boolean> {
  return fc.nat({ max: often }).map((draw) => draw < often);
}
