import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { forgetSettings } from "../../src/settings/settings.ts";
import type { SignType } from "../../src/wechat/types.ts";
import { stopClock } from "./clock.ts";
import { FakeApp } from "./fake-app.ts";
import { FakeWechat } from "./fake-wechat.ts";
import { openShop, USUAL_SIGN_TYPE, type Shop } from "./shop.ts";

/** All that stands around the gateway in one test. */
export interface World {
  readonly wechat: FakeWechat;
  readonly app: FakeApp;
  readonly shop: Shop;
  /** Every line that was logged, in order. */
  readonly logged: string[];
}

/** Stops the clock, silences the log, puts fakes in the place of the network, opens a shop. */
export async function openWorld(signType: SignType = USUAL_SIGN_TYPE): Promise<World> {
  stopClock();
  forgetSettings();
  const logged: string[] = [];
  for (const level of ["log", "debug", "info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((...parts: unknown[]) => {
      logged.push(parts.map(String).join(" "));
    });
  }
  const wechat = new FakeWechat();
  const app = new FakeApp();
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== env.WECHAT_PAY_URL) return await app.answer(url.href, init);
    return await wechat.answer({
      method: init?.method ?? "GET",
      path: url.pathname + url.search,
      headers: new Headers(init?.headers),
      body: typeof init?.body === "string" ? init.body : "",
    });
  });
  const shop = await openShop(signType);
  wechat.admit(shop);
  return { wechat, app, shop, logged };
}

/** Puts everything back; for `afterEach`. */
export function closeWorld(): void {
  vi.restoreAllMocks();
  vi.useRealTimers();
}

/** Waits until `condition` holds, for work that only a held gate keeps from ending. Moves no clock. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 5_000; turn += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error("what was waited for never came");
}
