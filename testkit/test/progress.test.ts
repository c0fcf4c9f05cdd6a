import { describe, expect, test } from "vitest";
import { Progress } from "../progress.ts";

/** A progress whose clock and output a test holds. */
function open(isTTY: boolean, total?: number, columns = 60) {
  const clock = { ms: 0 };
  const written: string[] = [];
  const output = { isTTY, columns, write: (text: string) => written.push(text) };
  const counted = total === undefined ? {} : { total };
  const progress = new Progress("load", {
    unit: "orders",
    output,
    now: () => clock.ms,
    ...counted,
  });
  return { clock, written, progress };
}

describe("Progress", () => {
  test("shows n of m, rate and time left", () => {
    const { clock, progress } = open(false, 600);
    progress.add(100);
    progress.add(20);
    clock.ms = 12_000;
    progress.note("one at a time");
    expect(progress.text()).toBe(
      "load: 120 of 600 orders, 10.0/s, 48 s left, 12 s so far, one at a time",
    );
    progress.end();
  });

  test("shows minutes, and a rate per minute below one a second", () => {
    const { clock, progress } = open(false, 10);
    progress.set(2);
    clock.ms = 60_000;
    expect(progress.text()).toBe("load: 2 of 10 orders, 2.0/min, 4 min 0 s left, 1 min 0 s so far");
    progress.end();
  });

  test("shows the time when nothing is known", () => {
    const { clock, progress } = open(false);
    clock.ms = 3_000;
    expect(progress.text()).toBe("load: 3 s so far");
    progress.end();
  });

  test("writes plain lines where there is no terminal", () => {
    const { written, progress } = open(false, 10);
    progress.log("kill 1");
    progress.end();
    expect(written).toEqual(["kill 1\n"]);
  });

  test("redraws one line on a terminal, no wider than it, and removes it at the end", () => {
    const { written, progress } = open(true, 10);
    progress.note("x".repeat(100));
    progress.log("kill 1");
    progress.end();
    expect(written[1]).toBe("kill 1\n");
    expect(written[2]?.startsWith("\r\u001b[2Kload: 0 of 10 orders")).toBe(true);
    expect(written[2]?.length).toBeLessThanOrEqual(60 + "\r\u001b[2K".length);
    expect(written.at(-1)).toBe("\r\u001b[2K");
  });

  test("is readable on a pseudo-terminal without a size", () => {
    const { written, progress } = open(true, 10, 0);
    progress.log("kill 1");
    progress.end();
    expect(written[2]).toContain("load: 0 of 10 orders, 0 s so far");
  });
});
