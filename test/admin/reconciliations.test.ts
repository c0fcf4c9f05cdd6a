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

/** Runs a day by hand, its steps being taken as they come. */
async function runByHand({ shop }: Scene, day = DAY) {
  let over = false;
  const answer = sendAdmin("POST", PATH, { body: { merchantId: shop.merchantId, day } }).finally(
    () => {
      over = true;
    },
  );
  await until(async () => (await runSteps(shop, day)) > 0 || over);
  return await answer;
}

test("a day that is run by hand is answered when it has ended, and again when run again", async () => {
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

test("today can be run, and says why when WeChat has no bill of it", async () => {
  const scene = await openScene();
  serveBills(scene).respondWith({ kind: "refused" });
  const answer = await runByHand(scene);
  expect([answer.status, answer.json]).toMatchObject([
    200,
    { day: DAY, state: "waiting", reason: "WeChat refused: FAIL SIGN ERROR" },
  ]);
});

test("a day that still runs is answered so, and joined by whoever asks for it meanwhile", async () => {
  const scene = await openScene();
  const bills = serveBills(scene);
  const { merchantId } = scene.shop;
  // Its steps are never taken, and nobody waits ten seconds for that.
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

describe("a day that can't be run", () => {
  test.for<[string, Record<string, unknown>, string[]]>([
    ["in the future", { day: "2040-01-02" }, ["day"]],
    ["too long ago", { day: "2039-10-02" }, ["day"]],
    ["that isn't one", { day: "2039-02-30" }, ["day"]],
    ["written otherwise", { day: "20400101" }, ["day"]],
    ["that is no text", { day: 20400101 }, ["day"]],
    ["of nobody", { merchantId: 999_999_999 }, ["merchantId"]],
    ["of a name", { merchantId: "one" }, ["merchantId"]],
    ["with something else", { force: true }, ["force"]],
  ])("%s", async ([, change, at]) => {
    const { shop } = await openScene();
    const body = { merchantId: shop.merchantId, day: DAY, ...change };
    const answer = await sendAdmin("POST", PATH, { body });
    expect(answer.status).toBe(400);
    expect(Object.keys(fieldErrors(answer))).toEqual(at);
  });

  test("is told by each field that is missing", async () => {
    await openScene();
    const answer = await sendAdmin("POST", PATH, { body: {} });
    expect(fieldErrors(answer)).toEqual({ merchantId: "is required", day: "is required" });
  });

  test("ninety days ago is the first that can", async () => {
    const scene = await openScene();
    serveBills(scene);
    expect((await runByHand(scene, "2039-10-03")).status).toBe(200);
  });

  test("is one of a merchant without an app", async () => {
    await openScene();
    const { merchantId } = await openShop();
    await env.DB.prepare("delete from apps where merchant_id = ?").bind(merchantId).run();
    forgetSettings();
    const answer = await sendAdmin("POST", PATH, { body: { merchantId, day: DAY } });
    expect(answer.status).toBe(409);
  });
});

test("the days are listed, the last begun first, page by page, by each filter", async () => {
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
  "a list by ?%s is refused by name",
  async (query) => {
    const answer = await sendAdmin("GET", `${PATH}?${query}`);
    expect(answer.status).toBe(400);
    expect(Object.keys(fieldErrors(answer))).toEqual([query.split("=")[0]]);
  },
);

test.for(["GET ", "GET /1", "POST "])("%s is a 401 without the token", async (route) => {
  const [method = "", path = ""] = route.split(" ");
  const response = await send(`${PATH}${path}`, { method, headers: { authorization: "Bearer x" } });
  expect(response.status).toBe(401);
});
