import type {
  ApiCall,
  CallFault,
  NotificationFault,
  NotificationKind,
} from "../../../sandbox/src/ledger/fault-names.ts";

/*
 * The steps of a history, as plain data: a history can be drawn, shrunk, printed and replayed.
 * `order` and `refund` are indexes, taken modulo the number of orders or refunds at that moment.
 */

/** One of the two apps; both belong to the same merchant. */
export type AppIndex = 0 | 1;

/** A step that can run at the same time as others. */
export type Action =
  /** The payer pays, with the bridge parameters that the app received last. */
  | { readonly type: "pay"; readonly order: number; readonly notify: boolean }
  /** The payer pays at the moment when the order is closed. */
  | { readonly type: "pay late"; readonly order: number }
  | {
      readonly type: "create";
      readonly app: AppIndex;
      /** Which of the app's own order numbers; null for none. */
      readonly ownNumber: number | null;
      readonly totalFen: number;
    }
  | {
      readonly type: "refund";
      readonly order: number;
      /** Percent of the order's amount; null for the whole rest. */
      readonly percent: number | null;
      /** Which of the app's own refund numbers; null for none. */
      readonly ownNumber: number | null;
    }
  /** A person refunds the order in WeChat's merchant platform. */
  | {
      readonly type: "platform refund";
      readonly order: number;
      /** Percent of the order's amount; null for the whole rest. */
      readonly percent: number | null;
    }
  | {
      readonly type: "view";
      readonly order: number;
      readonly sync: boolean;
      readonly byOwnNumber: boolean;
    }
  | { readonly type: "deliver notifications" }
  | { readonly type: "run alarm"; readonly order: number }
  | {
      readonly type: "operator request";
      readonly order: number;
      readonly operation: "redeliver pay" | "redeliver refund" | "sync";
    };

export type Step =
  | Action
  /** A new order whose payment notification arrives before WeChat's own record says paid. */
  | { readonly type: "notify before paid"; readonly app: AppIndex }
  | { readonly type: "close at WeChat"; readonly order: number }
  | { readonly type: "repeat payment notification"; readonly order: number }
  | {
      readonly type: "decide refund";
      readonly refund: number;
      readonly outcome: RefundOutcome;
      readonly notify: boolean;
    }
  | { readonly type: "repeat refund notification"; readonly refund: number }
  | { readonly type: "call fault"; readonly path: ApiCall; readonly fault: CallFault }
  | { readonly type: "connection fault"; readonly fault: ConnectionFault }
  | {
      readonly type: "notification fault";
      readonly kind: NotificationKind;
      readonly fault: NotificationFault;
    }
  /** The trip to D1 after the next `after` trips is lost. */
  | { readonly type: "D1 fault"; readonly fault: D1Fault; readonly after: number }
  | { readonly type: "app responses"; readonly responses: readonly AppResponse[] }
  | { readonly type: "forged notification"; readonly order: number; readonly forgery: Forgery }
  /** The merchant's other app views the order, or requests its refund. */
  | { readonly type: "foreign app request"; readonly order: number; readonly refund: boolean }
  | { readonly type: "advance clock"; readonly seconds: number }
  /** Advances the clock to the order's next timer and runs it. */
  | { readonly type: "run next timer"; readonly order: number }
  | { readonly type: "evict object"; readonly order: number }
  | { readonly type: "crash" }
  | {
      readonly type: "concurrently";
      readonly actions: readonly Action[];
      /** For each turn, the index of the waiter that proceeds, oldest first; or `NEWEST`. */
      readonly turns: readonly number[];
      /** The turn at which all objects are dropped from memory; null for none. */
      readonly crashAtTurn: number | null;
    };

/** Responses of an app to a callback. */
export const APP_RESPONSES = [
  "confirm",
  "json 0",
  "json 1",
  "http 500",
  "redirect",
  "garbage",
  "retry later",
  "unreachable",
] as const;
export type AppResponse = (typeof APP_RESPONSES)[number];

export const FORGERIES = ["garbage", "payment", "refund", "replayed signature"] as const;
export type Forgery = (typeof FORGERIES)[number];

/** The turn that selects the newest waiter. */
export const NEWEST = 5;

export const REFUND_OUTCOMES = ["SUCCESS", "CHANGE", "REFUNDCLOSE"] as const;
export type RefundOutcome = (typeof REFUND_OUTCOMES)[number];

/** The connection to WeChat is lost before or after WeChat executes the call. */
export const CONNECTION_FAULTS = ["lost before", "lost after"] as const;
export type ConnectionFault = (typeof CONNECTION_FAULTS)[number];

/** The connection to D1 is lost before or after D1 executes the statements. */
export const D1_FAULTS = ["lost before", "lost after"] as const;
export type D1Fault = (typeof D1_FAULTS)[number];

/** How the merchant of a history signs; RSA is APIv3. */
export const SIGN_TYPES = ["MD5", "HMAC-SHA256", "RSA"] as const;
export type SignType = (typeof SIGN_TYPES)[number];

export interface History {
  readonly signType: SignType;
  readonly steps: readonly Step[];
}
