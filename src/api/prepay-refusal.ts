import { badRequest, serverFault, type Refusal } from "../contract/refusal.ts";
import type { PrepayAnswer } from "../wechat/types.ts";

/** What an app is told of an order that WeChat did not prepare. */
export function prepayRefusal(
  answer: Exclude<PrepayAnswer, { kind: "prepared" }>,
  orderId: number,
): Refusal {
  switch (answer.kind) {
    case "paid":
      return badRequest(`该订单已支付（order_id=${orderId}），不能再次下单`);
    case "closed":
      return badRequest(`该订单已关闭（order_id=${orderId}），请换一个 appOrderNo 重新下单`);
    case "unknown":
      return serverFault("微信未给出明确结果，未能下单。重复本请求是安全的");
    case "refused":
      break;
  }
  const words = `微信拒绝下单：${answer.code} ${answer.message}`;
  switch (answer.blame) {
    case "request":
      return badRequest(words);
    case "merchant":
    case "gateway":
      return serverFault(`${words}。请联系网关运维；重复本请求是安全的，但在处理之前结果不变`);
  }
}
