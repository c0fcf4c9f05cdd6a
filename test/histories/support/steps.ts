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
  /** The payer pays, with the parameters that the app was given last. */
  | { readonly do: "pay"; readonly order: number; readonly notify: boolean }
  /** The payer was just paying when the order was closed. */
  | { readonly do: "pay late"; readonly order: number }
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
      /** Which of those that wait to go on goes on next; `NEWEST`: who has waited least. */
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

export const NEWEST = 5;

export const REFUND_ENDS = ["SUCCESS", "CHANGE", "REFUNDCLOSE"] as const;

/** No connection; before or after WeChat has done what it was asked. */
export const LINE_FAULTS = ["lost before", "lost after"] as const;

/** The same of D1. */
export const TRIP_FAULTS = ["lost before", "lost after"] as const;

/** How the history's merchant signs, which tells its protocol. */
export const SIGN_TYPES = ["MD5", "HMAC-SHA256", "RSA"] as const;
export type SignType = (typeof SIGN_TYPES)[number];

export interface History {
  readonly signType: SignType;
  readonly steps: readonly Step[];
}
