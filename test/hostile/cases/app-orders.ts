import type { Values } from "../../support/gateway.ts";
import { ORDER } from "../../support/life.ts";
import type { Case, Cases } from "../support/case.ts";
import { ROUTES } from "../support/routes.ts";
import { APP_REFUND_NO, type Target } from "../support/target.ts";
import { formTo, validForm } from "../support/signing.ts";

/** Orders that the requesting app must not detect: each is answered as an absent order. */
const FOREIGN: Readonly<Record<string, (target: Target) => { id: number; appOrderNo: string }>> = {
  "of a sibling app": ({ orders }) => orders.ofSibling,
  "of another merchant's app": ({ orders }) => orders.ofUnrelated,
  "of an APIv3 merchant's app": ({ orders }) => orders.ofV3,
  "that doesn't exist": () => ({ id: 999_999, appOrderNo: "hostile-nobody" }),
};

const ABSENT = /^\{"code":501,"errmsg":"提交上来的参数错误：订单不存在","data":null\}$/;

const foreign: Cases = Object.entries(FOREIGN).flatMap(([which, orderOf]): Case[] => {
  const order = (name: string, values: (target: Target) => Values): Case => ({
    name: `an order ${which}, ${name}`,
    route: "POST /order",
    answer: "app 501",
    textPattern: ABSENT,
    request: (target) =>
      formTo("POST /order", target, validForm(ROUTES["POST /order"], target, values(target))),
  });
  const refund = (name: string, values: Values): Case => ({
    name: `a refund of an order ${which}, ${name}`,
    route: "POST /refund/refund-money",
    answer: "app 501",
    textPattern: ABSENT,
    request: (target) => {
      const all = { order_id: orderOf(target).id, ...values };
      const route = "POST /refund/refund-money";
      return formTo(route, target, validForm(ROUTES[route], target, all));
    },
  });
  return [
    order("by its id", (target) => ({ order_id: orderOf(target).id })),
    order("by its id, with sync", (target) => ({ order_id: orderOf(target).id, sync: 1 })),
    order("by the app's own number", (target) => ({
      order_id: "",
      appOrderNo: orderOf(target).appOrderNo,
    })),
    order("by the app's own number, with sync", (target) => ({
      order_id: "",
      appOrderNo: orderOf(target).appOrderNo,
      sync: 1,
    })),
    refund("in full", {}),
    refund("in part", { refundFree: 1, appRefundNo: "hostile-foreign" }),
    refund("with the number of the app's own refund", { appRefundNo: APP_REFUND_NO }),
  ];
});

type ValuesOf = (target: Target) => Values;

const refundOf = (name: string, values: ValuesOf, allows?: "calls"): Case => ({
  name: `a refund ${name}`,
  route: "POST /refund/refund-money",
  answer: "app 501",
  ...(allows !== undefined && { allows }),
  request: (target) => {
    const route = "POST /refund/refund-money";
    return formTo(route, target, validForm(ROUTES[route], target, values(target)));
  },
});

const repeatedOrder = (name: string, values: ValuesOf, allows?: "rows"): Case => ({
  name: `a repeated order ${name}`,
  route: "POST /pay/create-order",
  answer: "app 501",
  ...(allows !== undefined && { allows }),
  request: (target) => {
    const route = "POST /pay/create-order";
    return formTo(route, target, validForm(ROUTES[route], target, values(target)));
  },
});

/** Requests that the order's state forbids. */
const states: Cases = [
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
    "of money that is being refunded",
    ({ orders }) => ({
      order_id: orders.refunding.id,
      refundFree: 1,
      appRefundNo: "hostile-again",
    }),
    "calls",
  ),
  refundOf(
    "with the number of a refund of another amount",
    ({ orders }) => ({ order_id: orders.refunding.id, refundFree: 7, appRefundNo: APP_REFUND_NO }),
    "calls",
  ),
  refundOf(
    "with the number of another order's refund",
    ({ orders }) => ({ order_id: orders.paid.id, appRefundNo: APP_REFUND_NO }),
    "calls",
  ),
  refundOf("without an order id", () => ({ order_id: "" })),
  ...(["waiting", "paid", "closed"] as const).flatMap((state) => [
    repeatedOrder(`with another amount, while it is ${state}`, ({ orders }) => ({
      ...ORDER,
      openId: `oCanary${state.replace(/^./, (letter) => letter.toUpperCase())}OpenId7f3b0c5e91`,
      appOrderNo: orders[state].appOrderNo,
      totalFree: 1,
    })),
    repeatedOrder(
      `with another payer, while it is ${state}`,
      ({ orders }) => ({
        ...ORDER,
        openId: `hostile-${state}`,
        appOrderNo: orders[state].appOrderNo,
      }),
      // The payer is stored before the number turns out to be taken.
      "rows",
    ),
  ]),
  repeatedOrder("that is paid", ({ orders }) => ({
    ...ORDER,
    openId: "oCanaryPaidOpenId7f3b0c5e91",
    appOrderNo: orders.paid.appOrderNo,
  })),
  repeatedOrder("that is closed", ({ orders }) => ({
    ...ORDER,
    openId: "oCanaryClosedOpenId7f3b0c5e91",
    appOrderNo: orders.closed.appOrderNo,
  })),
  {
    name: "a query with both numbers",
    route: "POST /order",
    answer: "app 501",
    request: (target) => {
      const values = { appOrderNo: target.orders.paid.appOrderNo };
      return formTo("POST /order", target, validForm(ROUTES["POST /order"], target, values));
    },
  },
];

export const appOrders: Cases = [...foreign, ...states];
