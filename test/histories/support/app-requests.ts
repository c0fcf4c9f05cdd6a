import { formOf, read, send, signed, type Answer, type Values } from "../../support/gateway.ts";
import { PAYER, type MerchantApp } from "./merchant.ts";
import type { Simulation } from "./simulation.ts";

/** Sends a signed request of the app. The answer is kept, to be searched for secrets at the end. */
export async function requestAs(
  simulation: Simulation,
  app: MerchantApp,
  path: string,
  values: Values,
): Promise<Answer> {
  const answer = await read(await send(path, formOf(signed(app, values))));
  simulation.output.push(answer.text);
  return answer;
}

/** The values that every create-order request has in common. */
export const ORDER: Values = {
  platForm: 1,
  openId: PAYER,
  desc: "测试商品",
  tag: "test",
  tradeType: "JSAPI",
};
