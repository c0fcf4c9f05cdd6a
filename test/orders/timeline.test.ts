import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { randomHex32 } from "../../src/lib/random.ts";
import { Timeline } from "../../src/orders/timeline.ts";

test("Timeline keeps its newest 500 entries in order over a restart of the object", async () => {
  await runInDurableObject(env.ORDER_OBJECT.getByName(randomHex32()), (_object, { storage }) => {
    const timeline = new Timeline(storage);
    for (let at = 1; at <= 300; at += 1) timeline.add(at, "payment.repeated");
    const restarted = new Timeline(storage);
    for (let at = 301; at <= 502; at += 1) restarted.add(at, "payment.repeated", { at });
    const entries = restarted.entries();
    expect(entries).toHaveLength(500);
    expect(entries.map(({ at }) => at)).toEqual(
      Array.from({ length: 500 }, (_, index) => index + 3),
    );
    expect(entries.at(-1)).toEqual({ at: 502, event: "payment.repeated", facts: { at: 502 } });
  });
});
