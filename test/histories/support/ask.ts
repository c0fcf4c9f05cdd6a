import { formOf, read, send, signed, type Answer, type Values } from "../../support/gateway.ts";
import type { Scene } from "./scene.ts";
import { PAYER, type ShopApp } from "./shop.ts";

/** An app asks; what it is told is kept, to be searched for secrets. */
export async function askAs(
  scene: Scene,
  app: ShopApp,
  path: string,
  values: Values,
): Promise<Answer> {
  const answer = await read(await send(path, formOf(signed(app, values))));
  scene.seen.push(answer.text);
  return answer;
}

/** What every order is made with. */
export const ORDER: Values = {
  platForm: 1,
  openId: PAYER,
  desc: "测试商品",
  tag: "test",
  tradeType: "JSAPI",
};
