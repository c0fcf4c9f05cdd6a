import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import worker from "../../src/index.ts";
import { MAX_UNREADABLE_LINES } from "../../src/reconciliation/ingest.ts";
import { openShop } from "../support/shop.ts";
import { makePaidOrder, rowOf, type OrderRef } from "../support/scenario.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";
import {
  billOf,
  DAY,
  reconciliationOf,
  incidentsOf,
  serveBills,
  READY_AT,
  runDay,
  runSteps,
  showAll,
  showOnly,
  storedNames,
  type BillResponse,
} from "./support.ts";

afterEach(async () => {
  closeScene();
  await showAll();
});

const HOUR_MS = 3600_000;

async function billFor(scene: Scene, order: OrderRef): Promise<string> {
  const { number, transactionId, totalFen } = await rowOf(order);
  return billOf(scene.shop, [{ number, transactionId: transactionId ?? "", fen: totalFen }]);
}

const runSchedule = async () => await worker.scheduled(createScheduledController(), env);

/** Every answer after which the bill is requested again later. */
const NOT_READY: readonly (readonly [name: string, response: (bill: string) => BillResponse])[] = [
  ["is still being created", () => ({ kind: "creating" })],
  ["is refused", () => ({ kind: "refused" })],
  ["can't be requested", () => ({ kind: "away" })],
  ["breaks off in gzip", (text) => ({ kind: "bill", text, breaksAt: 300 })],
  ["breaks off in plain text", (text) => ({ kind: "bill", text, plain: true, breaksAt: 400 })],
  ["is truncated", (text) => ({ kind: "bill", text: text.slice(0, text.indexOf("总交易单数")) })],
  ["lacks a line", (text) => ({ kind: "bill", text: text.replace(/`[^\r]*\r\n/, "") })],
  [
    "has another sum",
    (text) => ({ kind: "bill", text: text.replace(/`1\.00,`0\.00\r\n$/, "`1.01,`0.00\r\n") }),
  ],
];

describe.each(["HMAC-SHA256", "RSA"] as const)("reconciliation (%s), a bill that", (signType) => {
  test.for(NOT_READY)(
    "%s leaves the day waiting; the schedule retries it an hour later",
    async ([, response]) => {
      const scene = await openScene(signType);
      const bills = serveBills(scene);
      const order = await makePaidOrder(scene);
      const bill = await billFor(scene, order);
      vi.setSystemTime(READY_AT);
      bills.respondWith(response(bill), { kind: "bill", text: bill });
      await runDay(scene.shop);
      const waiting = await reconciliationOf(scene.shop);
      expect(waiting).toMatchObject({
        state: "waiting",
        reason: expect.stringMatching(/\w/),
        attempts: 1,
        retryAt: READY_AT + HOUR_MS,
        billPayments: 0,
        ourPayments: 0,
      });
      // No part of the bill is stored, and nothing is compared with it.
      expect(await storedNames(scene.shop)).toEqual([]);
      expect(await incidentsOf(scene.shop)).toEqual([]);

      await showOnly(scene.shop);
      vi.setSystemTime(READY_AT + HOUR_MS - 1);
      await runSchedule();
      await runSteps(scene.shop);
      expect(bills.requestedDays.filter((day) => day === DAY)).toHaveLength(1);
      vi.setSystemTime(READY_AT + HOUR_MS);
      await runSchedule();
      await runSteps(scene.shop);
      expect(await reconciliationOf(scene.shop)).toMatchObject({
        state: "done",
        reason: null,
        attempts: 2,
        startedAt: READY_AT,
        ourPayments: 1,
        billPayments: 1,
      });
      expect(await incidentsOf(scene.shop)).toEqual([]);
    },
  );
});

test("reconciliation doesn't use a bill whose hash differs from WeChat's", async () => {
  const scene = await openScene("RSA");
  const bills = serveBills(scene);
  const order = await makePaidOrder(scene);
  const text = await billFor(scene, order);
  vi.setSystemTime(READY_AT);
  bills.respondWith({ kind: "bill", text, sha1: "0".repeat(40) });
  await runDay(scene.shop);
  expect(await reconciliationOf(scene.shop)).toMatchObject({
    state: "waiting",
    reason: "the bill arrived broken: its hash differs",
  });
});

test("reconciliation opens one incident after six hours without a bill and keeps retrying", async () => {
  const scene = await openScene();
  const bills = serveBills(scene);
  bills.respondWith({ kind: "refused" });
  for (let hour = 0; hour < 8; hour += 1) {
    vi.setSystemTime(READY_AT + hour * HOUR_MS);
    await runDay(scene.shop);
    expect(await incidentsOf(scene.shop)).toHaveLength(hour < 6 ? 0 : 1);
  }
  expect(await incidentsOf(scene.shop)).toMatchObject([
    {
      kind: "bill_unreadable",
      subject: `${scene.shop.merchantId}:${DAY}`,
      seen: 2,
      facts: { attempts: 7, reason: "WeChat refused: FAIL SIGN ERROR" },
    },
  ]);
  expect(scene.logged.join()).toContain("bill_refused");
});

describe("reconciliation, bill in an unknown format", () => {
  test.for<[string, (text: string) => string]>([
    ["other columns", (text) => text.replace("商户订单号", "订单编号")],
    ["text after its end", (text) => `${text}more\r\n`],
    ["too many unreadable lines", (text) => text.replaceAll("`SUCCESS", "`PAID")],
  ])("fails the day and opens an incident on %s", async ([, corrupt]) => {
    const scene = await openScene();
    const bills = serveBills(scene);
    const order = await makePaidOrder(scene);
    const text = await billFor(scene, order);
    const { number, transactionId } = await rowOf(order);
    const trade = { number, transactionId: transactionId ?? "", fen: 100 };
    const many = billOf(
      scene.shop,
      Array.from({ length: MAX_UNREADABLE_LINES + 1 }, () => trade),
    );
    vi.setSystemTime(READY_AT);
    bills.respondWith({ kind: "bill", text: corrupt(many) }, { kind: "bill", text });
    await runDay(scene.shop);
    expect(await reconciliationOf(scene.shop)).toMatchObject({
      state: "failed",
      finishedAt: READY_AT,
    });
    expect(await incidentsOf(scene.shop)).toMatchObject([
      { kind: "bill_unreadable", subject: `${scene.shop.merchantId}:${DAY}` },
    ]);
    await showOnly(scene.shop);
    vi.setSystemTime(READY_AT + 2 * HOUR_MS);
    await runSchedule();
    expect(await reconciliationOf(scene.shop)).toMatchObject({ state: "failed" });
    await runDay(scene.shop);
    expect(await reconciliationOf(scene.shop)).toMatchObject({
      state: "done",
      ourPayments: 1,
      attempts: 1,
    });
  });
});

test("reconciliation waits for a merchant without an app or with unreadable secrets", async () => {
  const scene = await openScene();
  serveBills(scene);
  vi.setSystemTime(READY_AT);
  await env.DB.prepare("delete from apps where merchant_id = ?").bind(scene.shop.merchantId).run();
  await runDay(scene.shop);
  expect(await reconciliationOf(scene.shop)).toMatchObject({
    state: "waiting",
    reason: "the merchant has no app",
  });
  const sealed = await openShop();
  await env.DB.prepare("update merchants set api_key_sealed = 'x' where id = ?")
    .bind(sealed.merchantId)
    .run();
  await runDay(sealed);
  expect(await reconciliationOf(sealed)).toMatchObject({
    state: "waiting",
    reason: "the merchant is unreadable",
  });
});
