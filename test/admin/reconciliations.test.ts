import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { forgetSettings } from "../../src/settings/settings.ts";
import { send } from "../support/gateway.ts";
import { makePaidOrder, rowOf } from "../support/scenario.ts";
import { openShop } from "../support/shop.ts";
import { closeScene, openScene, until, type Scene } from "../support/scene.ts";
import {
  beijing,
  billOf,
  DAY,
  reconciliationOf,
  serveBills,
  READY_AT,
  runDay,
  runSteps,
} from "../reconciliation/support.ts";
import { sendAdmin, fieldErrors, pageIn } from "./support.ts";

afterEach(closeScene);

const PATH = "/admin/reconciliations";

/** Runs a day through the endpoint; the test runs the day's steps. */
async function runByHand({ shop }: Scene, day = DAY) {
  let responded = false;
  const answer = sendAdmin("POST", PATH, { body: { merchantId: shop.merchantId, day } }).finally(
    () => {
      responded = true;
    },
  );
  await until(async () => (await runSteps(shop, day)) > 0 || responded);
  return await answer;
}

test("POST /admin/reconciliations responds when the day has ended and can run it again", async () => {
  const scene = await openScene();
  const bills = serveBills(scene);
  const order = await makePaidOrder(scene);
  const { number, transactionId } = await rowOf(order);
  vi.setSystemTime(READY_AT);
  const trade = { number, transactionId: transactionId ?? "", fen: 100 };
  bills.respondWith({ kind: "empty" }, { kind: "bill", text: billOf(scene.shop, [trade]) });
  const first = await runByHand(scene);
  expect([first.status, first.json]).toMatchObject([200, { state: "done", discrepancies: 1 }]);
  const second = await runByHand(scene);
  expect(second.json).toEqual({
    ...(await reconciliationOf(scene.shop)),
    state: "done",
    discrepancies: 0,
    billPaidFen: 100,
    ourPaidFen: 100,
  });
});

test("POST /admin/reconciliations runs today and returns the reason when there is no bill", async () => {
  const scene = await openScene();
  serveBills(scene).respondWith({ kind: "refused" });
  const answer = await runByHand(scene);
  expect([answer.status, answer.json]).toMatchObject([
    200,
    { day: DAY, state: "waiting", reason: "WeChat refused: FAIL SIGN ERROR" },
  ]);
});

test("POST /admin/reconciliations answers 202 while the day runs, to concurrent requests too", async () => {
  const scene = await openScene();
  const bills = serveBills(scene);
  const { merchantId } = scene.shop;
  // No step runs, so the ten-second timeout is skipped.
  vi.spyOn(globalThis, "setTimeout").mockImplementation((callback) => {
    queueMicrotask(callback);
    return setInterval(() => null, 1e9);
  });
  const both = await Promise.all(
    [1, 2].map(async () => await sendAdmin("POST", PATH, { body: { merchantId, day: DAY } })),
  );
  vi.mocked(globalThis.setTimeout).mockRestore();
  expect(both.map(({ status }) => status)).toEqual([202, 202]);
  expect(both[0]?.json).toMatchObject({ merchantId, day: DAY, state: "running" });
  await runSteps(scene.shop);
  expect(bills.requestedDays).toEqual([DAY]);
});

describe("POST /admin/reconciliations, validation", () => {
  test.for<[string, Record<string, unknown>, string[]]>([
    ["a day in the future", { day: "2040-01-02" }, ["day"]],
    ["a day more than 90 days ago", { day: "2039-10-02" }, ["day"]],
    ["a day that doesn't exist", { day: "2039-02-30" }, ["day"]],
    ["a day in another format", { day: "20400101" }, ["day"]],
    ["a day as a number", { day: 20400101 }, ["day"]],
    ["an absent merchant", { merchantId: 999_999_999 }, ["merchantId"]],
    ["a merchantId that isn't a number", { merchantId: "one" }, ["merchantId"]],
    ["an unknown field", { force: true }, ["force"]],
  ])("refuses %s", async ([, change, paths]) => {
    const { shop } = await openScene();
    const body = { merchantId: shop.merchantId, day: DAY, ...change };
    const answer = await sendAdmin("POST", PATH, { body });
    expect(answer.status).toBe(400);
    expect(Object.keys(fieldErrors(answer))).toEqual(paths);
  });

  test("names every missing field", async () => {
    await openScene();
    const answer = await sendAdmin("POST", PATH, { body: {} });
    expect(fieldErrors(answer)).toEqual({ merchantId: "is required", day: "is required" });
  });

  test("accepts a day 90 days ago", async () => {
    const scene = await openScene();
    serveBills(scene);
    expect((await runByHand(scene, "2039-10-03")).status).toBe(200);
  });

  test("answers 409 for a merchant without an app", async () => {
    await openScene();
    const { merchantId } = await openShop();
    await env.DB.prepare("delete from apps where merchant_id = ?").bind(merchantId).run();
    forgetSettings();
    const answer = await sendAdmin("POST", PATH, { body: { merchantId, day: DAY } });
    expect(answer.status).toBe(409);
  });
});

test("GET /admin/reconciliations lists the latest started first, page by page, by each filter", async () => {
  const scene = await openScene();
  serveBills(scene);
  vi.setSystemTime(beijing("2040-01-04T11:00:00"));
  for (const day of ["2040-01-01", "2040-01-02", "2040-01-03"]) await runDay(scene.shop, day);
  const { merchantId } = scene.shop;
  const idOf = async (day: string) => (await reconciliationOf(scene.shop, day)).id;
  const ids = [await idOf("2040-01-03"), await idOf("2040-01-02"), await idOf("2040-01-01")];
  const list = async (query: string) =>
    pageIn(await sendAdmin("GET", `${PATH}?merchantId=${merchantId}&${query}`));
  expect(await list("limit=2")).toEqual({ ids: ids.slice(0, 2), nextCursor: ids[1] });
  expect(await list(`limit=2&cursor=${ids[1]}`)).toEqual({ ids: ids.slice(2), nextCursor: null });
  expect((await list("day=2040-01-02")).ids).toEqual([ids[1]]);
  expect((await list("state=done")).ids).toEqual(ids);
  expect((await list("state=waiting")).ids).toEqual([]);
  expect((await sendAdmin("GET", `${PATH}/${ids[0]}`)).json).toEqual(
    await reconciliationOf(scene.shop, "2040-01-03"),
  );
  expect((await sendAdmin("GET", `${PATH}/999999999`)).status).toBe(404);
});

test.for(["day=yesterday", "state=over", "merchantId=x", "limit=0", "cursor=x", "colour=red"])(
  "GET /admin/reconciliations refuses ?%s and names the parameter",
  async (query) => {
    const answer = await sendAdmin("GET", `${PATH}?${query}`);
    expect(answer.status).toBe(400);
    expect(Object.keys(fieldErrors(answer))).toEqual([query.split("=")[0]]);
  },
);

test.for(["GET ", "GET /1", "POST "])(
  "/admin/reconciliations: %s answers 401 without the token",
  async (route) => {
    const [method = "", path = ""] = route.split(" ");
    const response = await send(`${PATH}${path}`, {
      method,
      headers: { authorization: "Bearer x" },
    });
    expect(response.status).toBe(401);
  },
);
