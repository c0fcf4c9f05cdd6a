import { afterEach, describe, expect, test, vi } from "vitest";
import { forgetSettings } from "../../src/settings/settings.ts";
import { signed } from "../support/gateway.ts";
import { operator } from "../support/operator.ts";
import { makeOrder, makePaidOrder, runDueTimers } from "../support/scenario.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";

afterEach(closeScene);

/** Which of the salts signed the app's newest call. */
function signedWith({ app, shop }: Scene, salts: Readonly<Record<string, string>>) {
  const call = app.calls.at(-1);
  const { appId: _appId, sign, ...values } = Object.fromEntries(call?.parameters ?? []);
  return Object.keys(salts).filter(
    (name) => signed({ ...shop, salt: salts[name] ?? "" }, values).get("sign") === sign,
  );
}

describe("a salt staged and then activated", () => {
  test("signs callbacks only from its activation on, and requests from its staging on", async () => {
    const scene = await openScene();
    const { shop } = scene;
    const fresh = "the-next-salt-of-this-app";
    const salts = { current: shop.salt, fresh };
    const renewed = { ...scene, shop: { ...shop, salt: fresh } };
    await operator("POST", `/admin/apps/${shop.appId}/stage-salt`, { salt: fresh });
    await runDueTimers(await makePaidOrder(renewed));
    expect(signedWith(scene, salts)).toEqual(["current"]);

    const before = await makePaidOrder(scene);
    await operator("POST", `/admin/apps/${shop.appId}/activate-salt`, { overlapSeconds: 60 });
    await runDueTimers(before);
    expect(signedWith(scene, salts)).toEqual(["fresh"]);
    await makeOrder(scene);
    await makeOrder(renewed);

    vi.setSystemTime(Date.now() + 60_000);
    forgetSettings();
    await makeOrder(renewed);
    await expect(makeOrder(scene)).rejects.toThrow("sign 签名错误");
  });
});
