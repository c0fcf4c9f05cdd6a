import { inject } from "vitest";
import type { Protocol } from "../../../testkit/contract.ts";
import * as kit from "../../../testkit/shop.ts";
import type { Shop, ShopApp, SignType } from "../../../testkit/shop.ts";
import type { StackAddress } from "../../../testkit/stack/stack.ts";

/** The part of a test's context that closes what the test has opened. */
export interface Closing {
  onTestFinished(close: () => Promise<void>): void;
}

declare module "vitest" {
  interface ProvidedContext {
    /** The protocol of the tests' merchants, unless a test says otherwise. */
    protocol: Protocol;
  }
}

/** How the merchants of this run may sign, the usual way first. */
export const SIGN_TYPES: readonly [SignType, ...SignType[]] =
  inject("protocol") === "v3" ? ["RSA"] : ["MD5", "HMAC-SHA256"];

export interface ShopOptions {
  /** The shared one when left out. */
  readonly stack?: StackAddress;
  readonly signType?: SignType;
}

/** A shop for one test; its server is stopped when the test has finished. */
export async function openShop(t: Closing, options: ShopOptions = {}): Promise<Shop> {
  const { stack = inject("stack"), signType = SIGN_TYPES[0] } = options;
  return closing(t, await kit.openShop(stack, signType));
}

/** One more app of the shop's merchant; its server is stopped when the test has finished. */
export async function openApp(t: Closing, shop: Shop): Promise<ShopApp> {
  return closing(t, await kit.openApp(shop));
}

function closing<App extends ShopApp>(t: Closing, app: App): App {
  t.onTestFinished(async () => await app.receiver.stop());
  return app;
}
