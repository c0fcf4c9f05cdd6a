import { ORDER } from "../../support/scenario.ts";
import {
  paymentNotificationRequest,
  signedPost,
  refundNotificationXml,
  xmlPost,
} from "../../support/notifications.ts";
import { notificationBody, refundResource } from "../../wechat/v3/support/messages.ts";
import type { Values } from "../../support/gateway.ts";
import type { Target } from "./target.ts";

/** An endpoint for apps, with a request that it accepts. */
export interface AppRoute {
  readonly kind: "app";
  readonly values: (target: Target) => Values;
  /** Its integer parameters. */
  readonly integers: readonly string[];
  /** Whether an accepted request changes rows. */
  readonly writes: boolean;
}

/** A notification path, with a notification that it acknowledges. */
export interface NotificationRoute {
  readonly kind: "v2" | "v3";
  readonly genuine: (target: Target) => Promise<RequestInit>;
}

/** A route of the back-office. */
export interface AdminRoute {
  readonly kind: "admin";
  /** The value of `:id`. */
  readonly id?: (target: Target) => number;
  /** A body that it accepts; absent when it reads none. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Its integer query parameters; absent when it reads no query. */
  readonly queryIntegers?: readonly string[];
  /** Whether all of the body's fields are optional, so that `{}` is a valid body. */
  readonly takesEmptyBody?: true;
  /** The body's fields that accept nearly any text. */
  readonly textFields?: readonly string[];
}

/** `GET /health`, and the handlers of other methods on an existing path. */
export interface OtherRoute {
  readonly kind: "other";
}

export type Route = AppRoute | NotificationRoute | AdminRoute | OtherRoute;

/** The id of the target's merchant: the first one in empty storage. */
export const FIRST_MERCHANT = 1;

/** No app's: a corpus of hostile requests deletes nothing. */
const ABSENT_KEY_ID = "0".repeat(32);

const appId = ({ shop }: Target) => shop.appId;
const merchantId = ({ shop }: Target) => shop.merchantId;
/** The target has one incident and no reconciliation. */
const firstId = () => 1;
const paidOrderId = ({ orders }: Target) => orders.paid.id;

/**
 * Every route of the gateway, as `app.routes` names it without patterns. corpus.test.ts fails while a
 * route is missing here. An entry gets all the cases of its kind.
 */
export const ROUTES = {
  "POST /pay/create-order": {
    kind: "app",
    values: () => ORDER,
    integers: ["platForm", "totalFree"],
    writes: true,
  },
  "POST /pay/close-order": {
    kind: "app",
    values: ({ orders }) => ({ platForm: 1, order_id: orders.paid.id }),
    integers: ["platForm", "order_id"],
    writes: false,
  },
  "POST /refund/refund-money": {
    kind: "app",
    values: ({ orders }) => ({ platForm: 1, order_id: orders.refunding.id }),
    integers: ["platForm", "order_id", "refundFree"],
    writes: false,
  },
  "POST /order": {
    kind: "app",
    values: ({ orders }) => ({ order_id: orders.paid.id }),
    integers: ["order_id", "sync"],
    writes: false,
  },
  "ALL /pay/create-order": { kind: "other" },
  "ALL /pay/close-order": { kind: "other" },
  "ALL /refund/refund-money": { kind: "other" },
  "ALL /order": { kind: "other" },
  "POST /notify/v2/:merchantId/pay": {
    kind: "v2",
    genuine: async ({ shop, orders, scene }) =>
      await paymentNotificationRequest(shop, orders.waiting.number, {
        ...scene.wechat.order(orders.waiting.number),
        transactionId: "4200000000202011230000000001",
      }),
  },
  "POST /notify/v2/:merchantId/refund": {
    kind: "v2",
    genuine: async ({ shop, orders, refundNo }) =>
      xmlPost(
        await refundNotificationXml(shop, {
          out_trade_no: orders.refunding.number,
          out_refund_no: refundNo,
          refund_status: "SUCCESS",
        }),
      ),
  },
  "POST /notify/v3/:merchantId/pay": {
    kind: "v3",
    genuine: async ({ v3, orders, scene }) =>
      await paymentNotificationRequest(
        v3,
        orders.ofV3.number,
        scene.wechat.order(orders.ofV3.number),
      ),
  },
  "POST /notify/v3/:merchantId/refund": {
    kind: "v3",
    genuine: async ({ v3, orders }) =>
      signedPost(
        notificationBody(
          "REFUND.SUCCESS",
          refundResource({ mchid: v3.mchId, out_trade_no: orders.ofV3.number }),
        ),
      ),
  },
  "GET /health": { kind: "other" },
  "POST /admin/merchants": {
    kind: "admin",
    body: {
      name: "Shop",
      mchId: "1900009999",
      protocol: "v2",
      apiKey: "canary-api-key-of-32-characters!",
      signType: "MD5",
    },
  },
  "GET /admin/merchants": { kind: "admin", queryIntegers: ["limit", "cursor"] },
  "GET /admin/merchants/:id": { kind: "admin", id: merchantId },
  "PATCH /admin/merchants/:id": {
    kind: "admin",
    id: merchantId,
    body: { name: "Renamed", signType: "HMAC-SHA256" },
  },
  "POST /admin/apps": {
    kind: "admin",
    body: {
      name: "Web shop",
      merchantId: FIRST_MERCHANT,
      wechatAppId: "wxfeedbeef00000001",
      payNotifyUrl: "https://shop.example.com/pay",
      refundNotifyUrl: "https://shop.example.com/refund",
      salt: "canary-salt-that-an-app-brought",
    },
  },
  "GET /admin/apps": { kind: "admin", queryIntegers: ["limit", "cursor"] },
  "GET /admin/apps/:id": { kind: "admin", id: appId },
  "PATCH /admin/apps/:id": {
    kind: "admin",
    id: appId,
    body: { name: "Renamed", enabled: true, payNotifyUrl: "https://shop.example.com/pay" },
  },
  "POST /admin/apps/:id/rotate-salt": {
    kind: "admin",
    id: appId,
    body: { overlapSeconds: 60 },
  },
  "POST /admin/apps/:id/stage-salt": {
    kind: "admin",
    id: appId,
    body: { salt: "canary-salt-that-is-staged" },
    takesEmptyBody: true,
  },
  "POST /admin/apps/:id/activate-salt": {
    kind: "admin",
    id: appId,
    body: { overlapSeconds: 60 },
  },
  "POST /admin/apps/:id/rotate-webhook-secret": {
    kind: "admin",
    id: appId,
    body: { overlapSeconds: 60 },
  },
  "POST /admin/apps/:id/request-keys": {
    kind: "admin",
    id: appId,
    body: { algorithm: "hmac-sha256" },
  },
  "GET /admin/apps/:id/request-keys": { kind: "admin", id: appId },
  "DELETE /admin/apps/:id/request-keys/:keyId": { kind: "admin", id: appId },
  "GET /admin/orders": {
    kind: "admin",
    queryIntegers: [
      "limit",
      "cursor",
      "appId",
      "merchantId",
      "totalFen",
      "createdFrom",
      "createdBefore",
      "paidFrom",
      "paidBefore",
    ],
  },
  "GET /admin/orders.csv": {
    kind: "admin",
    queryIntegers: ["appId", "merchantId", "totalFen", "createdFrom", "createdBefore"],
  },
  "GET /admin/refunds": {
    kind: "admin",
    queryIntegers: ["limit", "cursor", "appId", "merchantId", "createdFrom", "createdBefore"],
  },
  "GET /admin/refunds.csv": {
    kind: "admin",
    queryIntegers: ["appId", "merchantId", "createdFrom", "createdBefore"],
  },
  "GET /admin/orders/:id": { kind: "admin", id: paidOrderId },
  "GET /admin/orders/:id/timeline": { kind: "admin", id: paidOrderId },
  "POST /admin/orders/:id/redeliver": { kind: "admin", id: paidOrderId, body: { event: "pay" } },
  "POST /admin/orders/:id/close": { kind: "admin", id: paidOrderId },
  "POST /admin/orders/:id/refund": {
    kind: "admin",
    id: paidOrderId,
    body: { refundFen: 1, appRefundNo: "operator-1" },
    takesEmptyBody: true,
  },
  "POST /admin/orders/:id/sync": { kind: "admin", id: paidOrderId },
  "POST /admin/deliveries/redeliver": {
    kind: "admin",
    body: { since: 0, appId: 1, event: "pay" },
  },
  "GET /admin/incidents": { kind: "admin", queryIntegers: ["limit", "cursor", "merchantId"] },
  "GET /admin/incidents/:id": { kind: "admin", id: firstId },
  "POST /admin/incidents/:id/resolve": {
    kind: "admin",
    id: firstId,
    body: { note: "Looked into." },
    textFields: ["note"],
  },
  "POST /admin/reconciliations": {
    kind: "admin",
    body: { merchantId: FIRST_MERCHANT, day: "2039-12-31" },
  },
  "GET /admin/reconciliations": { kind: "admin", queryIntegers: ["limit", "cursor", "merchantId"] },
  "GET /admin/reconciliations.csv": { kind: "admin", queryIntegers: ["merchantId"] },
  "GET /admin/reconciliations/:id": { kind: "admin", id: firstId },
  "POST /admin/reseal": { kind: "admin" },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;

/** The routes of these kinds, with their names. */
export function routesOf<Kind extends Route["kind"]>(
  ...kinds: readonly Kind[]
): readonly (readonly [RouteName, Extract<Route, { kind: Kind }>])[] {
  return routeNames().flatMap((name) => {
    const route: Route = ROUTES[name];
    return hasKind(route, kinds) ? [[name, route] as const] : [];
  });
}

/** The names of all routes. */
export function routeNames(): RouteName[] {
  return Object.keys(ROUTES).filter((name): name is RouteName => name in ROUTES);
}

function hasKind<Kind extends Route["kind"]>(
  route: Route,
  kinds: readonly Kind[],
): route is Extract<Route, { kind: Kind }> {
  return kinds.some((kind) => kind === route.kind);
}

/** The path of a route. `id` replaces its parameter; the target's own id by default. */
export function pathOf(name: RouteName, target: Target, id?: string): string {
  const route: Route = ROUTES[name];
  const ownId = route.kind === "admin" && route.id !== undefined ? route.id(target) : 0;
  const merchant = route.kind === "v3" ? target.v3.merchantId : target.shop.merchantId;
  return name
    .replace(/^[A-Z]+ /, "")
    .replace(":id", id ?? String(ownId))
    .replace(":keyId", ABSENT_KEY_ID)
    .replace(":merchantId", id ?? String(merchant));
}

/** The method of a route. */
export function methodOf(name: RouteName): string {
  return name.slice(0, name.indexOf(" "));
}
