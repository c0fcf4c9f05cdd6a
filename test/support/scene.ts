import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { forgetSettings } from "../../src/settings/settings.ts";
import type { SignType } from "../../src/wechat/types.ts";
import { stopClock } from "./clock.ts";
import { AppReceiver } from "./app-receiver.ts";
import { FakeWechat } from "./fake-wechat.ts";
import { openShop, DEFAULT_SIGN_TYPE, type Shop } from "./shop.ts";

/** The gateway's surroundings in one test. */
export interface Scene {
  readonly wechat: FakeWechat;
  readonly app: AppReceiver;
  readonly shop: Shop;
  /** All logged lines, in order. */
  readonly logged: string[];
}

/** Stops the clock, captures the log, replaces the network with fakes and opens a shop. */
export async function openScene(signType: SignType = DEFAULT_SIGN_TYPE): Promise<Scene> {
  stopClock();
  forgetSettings();
  const logged: string[] = [];
  for (const level of ["log", "debug", "info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((...parts: unknown[]) => {
      logged.push(parts.map(String).join(" "));
    });
  }
  const wechat = new FakeWechat();
  const app = new AppReceiver();
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== env.WECHAT_PAY_URL) return await app.receive(url.href, init);
    return await wechat.receive({
      method: init?.method ?? "GET",
      path: url.pathname + url.search,
      headers: new Headers(init?.headers),
      body: typeof init?.body === "string" ? init.body : "",
    });
  });
  const shop = await openShop(signType);
  wechat.addMerchant(shop);
  return { wechat, app, shop, logged };
}

/** Restores everything; for `afterEach`. */
export function closeScene(): void {
  vi.restoreAllMocks();
  vi.useRealTimers();
}

/** Waits until `condition` holds while a gate holds other work; doesn't move the stopped clock. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 5_000; attempt += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error("the condition never became true");
}
