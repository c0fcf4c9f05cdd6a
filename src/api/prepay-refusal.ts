import type { CreateOrderInput } from "../contract/create-order.ts";
import { badRequest, serverFault, type Refusal } from "../contract/refusal.ts";
import type { PrepayAnswer, Refused } from "../wechat/types.ts";

/** The response to the app when WeChat didn't return a prepay id. */
export function prepayRefusal(
  answer: Exclude<PrepayAnswer, { kind: "prepared" }>,
  orderId: number,
  input: Pick<CreateOrderInput, "clientIp">,
): Refusal {
  switch (answer.kind) {
    case "paid":
      return orderPaid(orderId);
    case "closed":
      return orderClosed(orderId);
    case "unknown":
      return serverFault("微信未给出明确结果，未能下单。重复本请求是安全的", "unknown-at-wechat");
    case "refused":
      return refusalOf(answer, input);
  }
}

function refusalOf(
  { code, message, blame, parameter }: Refused,
  { clientIp }: Pick<CreateOrderInput, "clientIp">,
): Refusal {
  const reason = `微信拒绝下单：${code} ${message}`;
  // Without `clientIp` the gateway sent the caller's address: the app can't mend that.
  const isOfApp = blame === "request" && !(parameter === "clientIp" && clientIp === null);
  if (isOfApp) {
    return parameter === undefined
      ? badRequest(reason, "refused-by-wechat")
      : badRequest(`${reason}（请检查参数 ${parameter}）`, {
          fault: "refused-by-wechat",
          parameter,
        });
  }
  return serverFault(
    `${reason}。请联系网关运维；重复本请求是安全的，但在处理之前结果不变`,
    parameter === undefined ? "refused-by-wechat" : { fault: "refused-by-wechat", parameter },
  );
}

/** The order can't be placed again: it was paid. */
export function orderPaid(orderId: number): Refusal {
  return badRequest(`该订单已支付（order_id=${orderId}），不能再次下单`, "order-paid");
}

/** The order can't be placed again: it has ended unpaid. */
export function orderClosed(orderId: number): Refusal {
  return badRequest(
    `该订单已关闭（order_id=${orderId}），请换一个 appOrderNo 重新下单`,
    "order-closed",
  );
}

/** The app has withdrawn the order, and WeChat is still to close it. */
export function orderClosing(orderId: number): Refusal {
  return badRequest(
    `该订单正在关闭（order_id=${orderId}），请换一个 appOrderNo 重新下单`,
    "order-closed",
  );
}
