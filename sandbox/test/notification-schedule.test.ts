import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RETRY_WAITS_MS } from "../src/ledger/notifications.ts";
import type { NotificationView } from "../src/ledger/views.ts";
import {
  ACKNOWLEDGED,
  advanceClock,
  control,
  mockMerchant,
  orderDetails,
  placeOrder,
  resetSandbox,
  runAlarm,
  state,
} from "./helpers.ts";

const NUMBER = "SCHEDULE0001";

beforeEach(async () => {
  await resetSandbox();
  await placeOrder(NUMBER);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const pay = async (): Promise<void> => {
  await control("POST", `/orders/${NUMBER}/pay`);
};

async function notification(): Promise<NotificationView> {
  const [only] = (await orderDetails(NUMBER)).notifications;
  if (only === undefined) throw new Error("no notification");
  return only;
}

test("RETRY_WAITS_MS has the published 15 waits, 24 hours and 4 minutes in total", () => {
  expect(RETRY_WAITS_MS).toHaveLength(15);
  expect(RETRY_WAITS_MS.reduce((sum, wait) => sum + wait, 0)).toBe((24 * 60 + 4) * 60_000);
});

test.each([1, 0.01])(
  "a notification without acknowledgement is retried on schedule, multiplied by %d",
  async (scale) => {
    const posts = mockMerchant(() => new Response("no", { status: 500 }));
    await control("PATCH", "/settings", { notifyScale: scale });
    await pay();
    for (const wait of RETRY_WAITS_MS) {
      await runAlarm();
      const { nextAt, state: now } = await notification();
      expect(now).toBe("waiting");
      expect(nextAt).toBe(Date.now() + wait * scale);
      advanceClock(wait * scale - 1);
      const before = posts.length;
      await runAlarm();
      expect(posts).toHaveLength(before);
      advanceClock(1);
    }
    await runAlarm();
    expect(posts).toHaveLength(16);
    expect(new Set(posts.map((post) => post.body)).size).toBe(1);
    expect(await notification()).toMatchObject({ state: "given-up", nextAt: null });
    expect(await runAlarm()).toBe(false);
  },
);

test("an acknowledged notification is not retried", async () => {
  let answers = 0;
  const posts = mockMerchant(() => {
    answers += 1;
    return answers === 1 ? new Response("busy", { status: 503 }) : new Response(ACKNOWLEDGED);
  });
  await pay();
  await runAlarm();
  advanceClock(15_000);
  await runAlarm();
  expect(posts).toHaveLength(2);
  const { state: last, nextAt, attempts } = await notification();
  expect([last, nextAt]).toEqual(["acknowledged", null]);
  expect(attempts).toEqual([
    { at: Date.now() - 15_000, status: 503, ok: false, answer: "busy" },
    { at: Date.now(), status: 200, ok: true, answer: ACKNOWLEDGED },
  ]);
  expect(await runAlarm()).toBe(false);
});

describe("a notification is not acknowledged by", () => {
  test.each<[string, () => Response]>([
    ["a FAIL", () => new Response("<xml><return_code>FAIL</return_code></xml>")],
    ["plain text", () => new Response("SUCCESS")],
    ["JSON", () => new Response('{"return_code":"SUCCESS"}')],
    ["an empty response", () => new Response(null)],
    ["malformed XML", () => new Response("<xml><return_code>SUCCESS</return_code>")],
    ["another root", () => new Response("<r><return_code>SUCCESS</return_code></r>")],
    ["lower case", () => new Response("<xml><return_code>success</return_code></xml>")],
    ["201", () => new Response(ACKNOWLEDGED, { status: 201 })],
    ["204", () => new Response(null, { status: 204 })],
    ["500", () => new Response(ACKNOWLEDGED, { status: 500 })],
    ["a redirect", () => new Response(ACKNOWLEDGED, { status: 302, headers: { location: "/" } })],
    ["a response that is too long", () => new Response(`${" ".repeat(9000)}${ACKNOWLEDGED}`)],
  ])("%s", async (_what, response) => {
    mockMerchant(response);
    await pay();
    await runAlarm();
    const { state: now, attempts } = await notification();
    expect(now).toBe("waiting");
    expect(attempts).toMatchObject([{ ok: false, status: response().status }]);
  });

  test("a connection that fails", async () => {
    mockMerchant(() => {
      throw new TypeError("connection refused");
    });
    await pay();
    await runAlarm();
    expect(await notification()).toMatchObject({
      state: "waiting",
      attempts: [{ status: null, ok: false, answer: "TypeError: connection refused" }],
    });
  });

  test("a response that breaks off", async () => {
    mockMerchant(() => {
      const body = new ReadableStream({
        pull(controller) {
          controller.error(new Error("broken"));
        },
      });
      return new Response(body);
    });
    await pay();
    await runAlarm();
    expect((await notification()).attempts).toMatchObject([{ status: null, ok: false }]);
  });

  test("a response after the timeout", async () => {
    const limits: number[] = [];
    vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
      limits.push(ms);
      return AbortSignal.abort(new DOMException("too late", "TimeoutError"));
    });
    vi.spyOn(globalThis, "fetch").mockImplementation(async (_input, init) => {
      init?.signal?.throwIfAborted();
      return new Response(ACKNOWLEDGED);
    });
    await pay();
    await runAlarm();
    expect(limits).toEqual([5000]);
    expect((await notification()).attempts).toMatchObject([
      { status: null, ok: false, answer: "TimeoutError: too late" },
    ]);
  });
});

test("only the start of a long response is stored", async () => {
  mockMerchant(() => new Response("x".repeat(5000), { status: 500 }));
  await pay();
  await runAlarm();
  expect((await notification()).attempts[0]?.answer).toBe("x".repeat(300));
});

test("a slow receiver delays no other delivery and gets no duplicate", async () => {
  const urls: string[] = [];
  const sent = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const { url } = new Request(input, init);
    urls.push(url);
    sent.resolve();
    if (url.endsWith("/notify")) await gate.promise;
    return new Response(ACKNOWLEDGED);
  });
  await pay();
  const alarm = runAlarm();
  await sent.promise;
  // It is claimed now; if its sender were lost, it would be due again after this.
  expect((await notification()).nextAt).toBe(Date.now() + 10_000);

  await placeOrder("SCHEDULE0002", { notify_url: "https://merchant.test/quick" });
  await control("POST", "/orders/SCHEDULE0002/pay");
  await vi.waitFor(async () => {
    expect((await orderDetails("SCHEDULE0002")).notifications).toMatchObject([
      { state: "acknowledged" },
    ]);
  });
  gate.resolve();
  await alarm;
  expect((await notification()).state).toBe("acknowledged");
  expect(urls).toEqual(["https://merchant.test/notify", "https://merchant.test/quick"]);
});

test("an attempt in progress during a reset is discarded", async () => {
  const sent = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
    sent.resolve();
    await gate.promise;
    return new Response(ACKNOWLEDGED);
  });
  await pay();
  const alarm = runAlarm();
  await sent.promise;
  await control("POST", "/reset");
  gate.resolve();
  await alarm;
  expect(await state()).toMatchObject({ orders: [], notifications: [], calls: [] });
});
