import { ORDER } from "../../support/scenario.ts";
import {
  paymentNotificationRequest,
  signedPost,
  refundNotificationXml,
  xmlPost,
} from "../../support/notifications.ts";
import { notificationBody, refundResource } from "../../wechat/v3/support/messages.ts";
import type { Values } from "../../support/gateway.ts";
import type { Scene } from "./scene.ts";

/** One of the three endpoints, with a request that it would grant. */
export interface AppRoute {
  readonly kind: "app";
  readonly values: (scene: Scene) => Values;
  /** What it takes as a whole number. */
  readonly integers: readonly string[];
  /** Whether the request changes rows when it is granted. */
  readonly writes: boolean;
}

/** One of WeChat's paths, with a notification that it would take. */
export interface NotifyRoute {
  readonly kind: "v2" | "v3";
  readonly genuine: (scene: Scene) => Promise<RequestInit>;
}

/** A route of the back-office. */
export interface AdminRoute {
  readonly kind: "admin";
  /** What stands for `:id`. */
  readonly id?: (scene: Scene) => number;
  /** A body that it would take. Absent: it reads none. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** The query's whole numbers that it knows. Absent: it reads no query. */
  readonly numbers?: readonly string[];
  /** The body's fields that take nearly any text. */
  readonly texts?: readonly string[];
}

/** `GET /health`, and what answers other methods on a path that is there. */
export interface OtherRoute {
  readonly kind: "other";
}

export type Route = AppRoute | NotifyRoute | AdminRoute | OtherRoute;

/** The scene's shop is the first of its file, whose storage was empty. */
export const FIRST_MERCHANT = 1;

const appId = ({ shop }: Scene) => shop.appId;
const merchantId = ({ shop }: Scene) => shop.merchantId;
/** There is one incident in the scene, and no reconciliation. */
const first = () => 1;
const paid = ({ orders }: Scene) => orders.paid.id;

/**
 * Every route of the gateway, as `app.routes` names it, patterns left out. The test fails while one
 * is missing here; with its entry it gets all the cases that its kind has in common.
 */
export const ROUTES = {
  "POST /pay/create-order": {
    kind: "app",
    values: () => ORDER,
    integers: ["platForm", "totalFree"],
    writes: true,
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
  "ALL /refund/refund-money": { kind: "other" },
  "ALL /order": { kind: "other" },
  "POST /notify/v2/:merchantId/pay": {
    kind: "v2",
    genuine: async ({ shop, orders, world }) =>
      await paymentNotificationRequest(shop, orders.waiting.number, {
        ...world.wechat.order(orders.waiting.number),
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
    genuine: async ({ v3, orders, world }) =>
      await paymentNotificationRequest(
        v3,
        orders.ofV3.number,
        world.wechat.order(orders.ofV3.number),
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
  "GET /admin/merchants": { kind: "admin", numbers: ["limit", "cursor"] },
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
  "GET /admin/apps": { kind: "admin", numbers: ["limit", "cursor"] },
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
  "POST /admin/apps/:id/rotate-webhook-secret": {
    kind: "admin",
    id: appId,
    body: { overlapSeconds: 60 },
  },
  "GET /admin/orders": {
    kind: "admin",
    numbers: ["limit", "cursor", "appId", "merchantId", "createdFrom", "createdBefore"],
  },
  "GET /admin/orders/:id": { kind: "admin", id: paid },
  "GET /admin/orders/:id/timeline": { kind: "admin", id: paid },
  "POST /admin/orders/:id/redeliver": { kind: "admin", id: paid, body: { event: "pay" } },
  "POST /admin/orders/:id/sync": { kind: "admin", id: paid },
  "POST /admin/deliveries/redeliver": {
    kind: "admin",
    body: { since: 0, appId: 1, event: "pay" },
  },
  "GET /admin/incidents": { kind: "admin", numbers: ["limit", "cursor", "merchantId"] },
  "GET /admin/incidents/:id": { kind: "admin", id: first },
  "POST /admin/incidents/:id/resolve": {
    kind: "admin",
    id: first,
    body: { note: "Looked into." },
    texts: ["note"],
  },
  "POST /admin/reconciliations": {
    kind: "admin",
    body: { merchantId: FIRST_MERCHANT, day: "2039-12-31" },
  },
  "GET /admin/reconciliations": { kind: "admin", numbers: ["limit", "cursor", "merchantId"] },
  "GET /admin/reconciliations/:id": { kind: "admin", id: first },
  "POST /admin/reseal": { kind: "admin" },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;

/** The routes of some kinds, with their names. */
export function routesOf<Kind extends Route["kind"]>(
  ...kinds: readonly Kind[]
): readonly (readonly [RouteName, Extract<Route, { kind: Kind }>])[] {
  return names().flatMap((name) => {
    const route: Route = ROUTES[name];
    return isOf(route, kinds) ? [[name, route] as const] : [];
  });
}

/** All names. */
export function names(): RouteName[] {
  return Object.keys(ROUTES).filter((name): name is RouteName => name in ROUTES);
}

function isOf<Kind extends Route["kind"]>(
  route: Route,
  kinds: readonly Kind[],
): route is Extract<Route, { kind: Kind }> {
  return kinds.some((kind) => kind === route.kind);
}

/** Where a route is found, with what stands for its parameters. */
export function pathOf(name: RouteName, scene: Scene, id?: string): string {
  const route: Route = ROUTES[name];
  const own = route.kind === "admin" && route.id !== undefined ? route.id(scene) : 0;
  const merchant = route.kind === "v3" ? scene.v3.merchantId : scene.shop.merchantId;
  return name
    .replace(/^[A-Z]+ /, "")
    .replace(":id", id ?? String(own))
    .replace(":merchantId", id ?? String(merchant));
}

/** The method that a route answers to. */
export function methodOf(name: RouteName): string {
  return name.slice(0, name.indexOf(" "));
}
