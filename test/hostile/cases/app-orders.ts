import type { Values } from "../../support/gateway.ts";
import { ORDER } from "../../support/scenario.ts";
import type { Case, Theme } from "../support/case.ts";
import { ROUTES } from "../support/routes.ts";
import { APP_REFUND_NO, type Scene } from "../support/scene.ts";
import { formTo, good } from "../support/signing.ts";

/** Orders that the asking app may not know of: all are answered as one that isn't there. */
const FOREIGN: Readonly<Record<string, (scene: Scene) => { id: number; appOrderNo: string }>> = {
  "of a sibling app": ({ orders }) => orders.ofSibling,
  "of another merchant's app": ({ orders }) => orders.ofStranger,
  "of an app that speaks APIv3": ({ orders }) => orders.ofV3,
  "that nobody has": () => ({ id: 999_999, appOrderNo: "hostile-nobody" }),
};

const ABSENT = /^\{"code":501,"errmsg":"提交上来的参数错误：订单不存在","data":null\}$/;

const foreign: Theme = Object.entries(FOREIGN).flatMap(([whose, orderOf]): Case[] => {
  const order = (name: string, values: (scene: Scene) => Values): Case => ({
    name: `an order ${whose}, ${name}`,
    route: "POST /order",
    answer: "app 501",
    about: ABSENT,
    request: (scene) =>
      formTo("POST /order", scene, good(ROUTES["POST /order"], scene, values(scene))),
  });
  const refund = (name: string, values: Values): Case => ({
    name: `a refund of an order ${whose}, ${name}`,
    route: "POST /refund/refund-money",
    answer: "app 501",
    about: ABSENT,
    request: (scene) => {
      const all = { order_id: orderOf(scene).id, ...values };
      const route = "POST /refund/refund-money";
      return formTo(route, scene, good(ROUTES[route], scene, all));
    },
  });
  return [
    order("by its id", (scene) => ({ order_id: orderOf(scene).id })),
    order("by its id, at WeChat too", (scene) => ({ order_id: orderOf(scene).id, sync: 1 })),
    order("by the app's number", (scene) => ({
      order_id: "",
      appOrderNo: orderOf(scene).appOrderNo,
    })),
    order("by the app's number, at WeChat too", (scene) => ({
      order_id: "",
      appOrderNo: orderOf(scene).appOrderNo,
      sync: 1,
    })),
    refund("whole", {}),
    refund("in part", { refundFree: 1, appRefundNo: "hostile-foreign" }),
    refund("by the number of the app's own refund", { appRefundNo: APP_REFUND_NO }),
  ];
});

type Made = (scene: Scene) => Values;

const refundOf = (name: string, values: Made, may?: "calls"): Case => ({
  name: `a refund ${name}`,
  route: "POST /refund/refund-money",
  answer: "app 501",
  ...(may !== undefined && { may }),
  request: (scene) => {
    const route = "POST /refund/refund-money";
    return formTo(route, scene, good(ROUTES[route], scene, values(scene)));
  },
});

const orderAgain = (name: string, values: Made, may?: "rows"): Case => ({
  name: `an order again ${name}`,
  route: "POST /pay/create-order",
  answer: "app 501",
  ...(may !== undefined && { may }),
  request: (scene) => {
    const route = "POST /pay/create-order";
    return formTo(route, scene, good(ROUTES[route], scene, values(scene)));
  },
});

/** What the order's state forbids. */
const states: Theme = [
  refundOf("of an unpaid order", ({ orders }) => ({ order_id: orders.waiting.id }), "calls"),
  refundOf("of a closed order", ({ orders }) => ({ order_id: orders.closed.id }), "calls"),
  refundOf(
    "of more than was paid",
    ({ orders }) => ({ order_id: orders.paid.id, refundFree: 101, appRefundNo: "hostile-more" }),
    "calls",
  ),
  refundOf(
    "in part without a number of its own",
    ({ orders }) => ({ order_id: orders.paid.id, refundFree: 1 }),
    "calls",
  ),
  refundOf(
    "of what is being refunded already",
    ({ orders }) => ({
      order_id: orders.refunding.id,
      refundFree: 1,
      appRefundNo: "hostile-again",
    }),
    "calls",
  ),
  refundOf(
    "with the number of another refund of another amount",
    ({ orders }) => ({ order_id: orders.refunding.id, refundFree: 7, appRefundNo: APP_REFUND_NO }),
    "calls",
  ),
  refundOf(
    "with the number of another order's refund",
    ({ orders }) => ({ order_id: orders.paid.id, appRefundNo: APP_REFUND_NO }),
    "calls",
  ),
  refundOf("of an order without its id", () => ({ order_id: "" })),
  ...(["waiting", "paid", "closed"] as const).flatMap((state) => [
    orderAgain(`for another amount, while it is ${state}`, ({ orders }) => ({
      ...ORDER,
      openId: `oCanary${state.replace(/^./, (letter) => letter.toUpperCase())}OpenId7f3b0c5e91`,
      appOrderNo: orders[state].appOrderNo,
      totalFree: 1,
    })),
    orderAgain(
      `for another payer, while it is ${state}`,
      ({ orders }) => ({
        ...ORDER,
        openId: `hostile-${state}`,
        appOrderNo: orders[state].appOrderNo,
      }),
      // The payer is noted before the number is known to be taken.
      "rows",
    ),
  ]),
  orderAgain("when it is paid", ({ orders }) => ({
    ...ORDER,
    openId: "oCanaryPaidOpenId7f3b0c5e91",
    appOrderNo: orders.paid.appOrderNo,
  })),
  orderAgain("when it is closed", ({ orders }) => ({
    ...ORDER,
    openId: "oCanaryClosedOpenId7f3b0c5e91",
    appOrderNo: orders.closed.appOrderNo,
  })),
  {
    name: "a question with both numbers",
    route: "POST /order",
    answer: "app 501",
    request: (scene) => {
      const values = { appOrderNo: scene.orders.paid.appOrderNo };
      return formTo("POST /order", scene, good(ROUTES["POST /order"], scene, values));
    },
  },
];

export const appOrders: Theme = [...foreign, ...states];
