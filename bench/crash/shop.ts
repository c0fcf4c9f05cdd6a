import type { Protocol } from "../../testkit/contract.ts";
import { openShop, type Shop } from "../../testkit/shop.ts";
import type { StackAddress } from "../../testkit/stack/stack.ts";
import type { Random } from "./random.ts";

/** The shares of callbacks that the app answers with an error, and never. */
const ERROR_SHARE = 0.1;
const NO_ANSWER_SHARE = 0.03;

/** A shop whose app answers most callbacks, but not all. */
export async function openUnreliableShop(
  stack: StackAddress,
  protocol: Protocol,
  random: Random,
): Promise<Shop> {
  const shop = await openShop(stack, protocol === "v2" ? "HMAC-SHA256" : "RSA");
  shop.receiver.respondWith((response) => {
    if (random.happens(NO_ANSWER_SHARE)) return;
    response.statusCode = random.happens(ERROR_SHARE) ? 500 : 200;
    response.end("success");
  });
  return shop;
}
