import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { randomHex32 } from "../../src/lib/random.ts";
import { Timeline } from "../../src/orders/timeline.ts";

/** Runs `work` on the timeline of a new object. */
async function withTimeline(
  work: (timeline: Timeline, restart: () => Timeline) => void,
): Promise<void> {
  await runInDurableObject(env.ORDER_OBJECT.getByName(randomHex32()), (_object, { storage }) => {
    work(new Timeline(storage), () => new Timeline(storage));
  });
}

describe("Timeline", () => {
  test("keeps its newest 500 entries in order over a restart of the object", async () => {
    await withTimeline((timeline, restart) => {
      for (let at = 1; at <= 300; at += 1) timeline.add(at, "app.called", { call: at });
      const restarted = restart();
      for (let at = 301; at <= 502; at += 1) restarted.add(at, "app.called", { call: at });
      const entries = restarted.entries();
      expect(entries).toHaveLength(500);
      expect(entries.map(({ at }) => at)).toEqual(
        Array.from({ length: 500 }, (_, index) => index + 3),
      );
      expect(entries.at(-1)).toEqual({ at: 502, event: "app.called", facts: { call: 502 } });
    });
  });

  test("counts repeats in their entry, whatever comes between, over a restart", async () => {
    await withTimeline((timeline, restart) => {
      timeline.add(1, "wechat.prepay", { answer: "prepared" });
      for (let at = 2; at <= 400; at += 2) {
        timeline.add(at, "payment.repeated");
        timeline.add(at + 1, "payment.contradiction", { what: "amount" });
      }
      const restarted = restart();
      for (let at = 402; at <= 1_200; at += 2) {
        restarted.add(at, "payment.repeated");
        restarted.add(at + 1, "payment.contradiction", { what: "amount" });
      }
      restarted.add(1_300, "payment.contradiction", { what: "attach" });
      expect(restarted.entries()).toEqual([
        { at: 1, event: "wechat.prepay", facts: { answer: "prepared" } },
        {
          at: 2,
          event: "payment.repeated",
          facts: {},
          repeated: { count: 600, lastAt: 1_200 },
        },
        {
          at: 3,
          event: "payment.contradiction",
          facts: { what: "amount" },
          repeated: { count: 600, lastAt: 1_201 },
        },
        { at: 1_300, event: "payment.contradiction", facts: { what: "attach" } },
      ]);
    });
  });

  test("begins another entry for a repeat of one that was dropped", async () => {
    await withTimeline((timeline) => {
      timeline.add(1, "payment.repeated");
      for (let at = 2; at <= 501; at += 1) timeline.add(at, "app.called", { call: at });
      timeline.add(502, "payment.repeated");
      expect(timeline.entries().at(-1)).toEqual({ at: 502, event: "payment.repeated", facts: {} });
    });
  });
});
