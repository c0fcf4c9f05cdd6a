import { describe, expect, test } from "vitest";
import { readBody } from "../../src/lib/read-body.ts";

const KB = 1024;

/** A request whose body yields `size` bytes in pieces of 1 KB, and how much of it was asked for. */
function requestOf(size: number): { readonly request: Request; readonly asked: () => number } {
  let asked = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (asked >= size) {
          controller.close();
          return;
        }
        const piece = new Uint8Array(Math.min(KB, size - asked)).fill(120);
        asked += piece.length;
        controller.enqueue(piece);
      },
    },
    { highWaterMark: 0 },
  );
  return { request: new Request("https://a.test", { method: "POST", body }), asked: () => asked };
}

describe("readBody", () => {
  test("reads a body of exactly the limit", async () => {
    const read = await readBody(requestOf(16 * KB).request, 16 * KB);
    expect(read.ok && read.value.length).toBe(16 * KB);
  });

  test("reads a longer body to its end, so that its sender gets the answer", async () => {
    const { request, asked } = requestOf(200 * KB + 1);
    expect(await readBody(request, 16 * KB)).toEqual({ ok: false, error: "too large" });
    expect(asked()).toBe(200 * KB + 1);
  });

  test("reads at most 256 KB beyond the limit", async () => {
    const { request, asked } = requestOf(10 * KB * KB);
    expect(await readBody(request, 16 * KB)).toEqual({ ok: false, error: "too large" });
    expect(asked()).toBeLessThanOrEqual((16 + 256 + 2) * KB);
  });
});
