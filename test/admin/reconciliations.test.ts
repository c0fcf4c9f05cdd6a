import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { forgetSettings } from "../../src/settings/settings.ts";
import { send } from "../support/gateway.ts";
import { makePaidOrder, rowOf } from "../support/life.ts";
import { openShop } from "../support/shop.ts";
import { closeWorld, openWorld, until, type World } from "../support/world.ts";
import {
  beijing,
  billOf,
  DAY,
  dayOf,
  openBills,
  READY_AT,
  run,
  runSteps,
} from "../reconciliation/support.ts";
import { ask, faults, pageIn } from "./support.ts";

afterEach(closeWorld);

const PATH = "/admin/reconciliations";

/** Runs a day by hand, its steps being taken as they come. */
async function runByHand({ shop }: World, day = DAY) {
  let over = false;
  const answer = ask("POST", PATH, { body: { merchantId: shop.merchantId, day } }).finally(() => {
    over = true;
  });
  await until(async () => (await runSteps(shop, day)) > 0 || over);
  return await answer;
}

test("a day that is run by hand is answered when it has ended, and again when run again", async () => {
  const world = await openWorld();
  const bills = openBills(world);
  const made = await makePaidOrder(world);
  const { number, transactionId } = await rowOf(made);
  vi.setSystemTime(READY_AT);
  const trade = { number, transactionId: transactionId ?? "", fen: 100 };
  bills.reply({ kind: "empty" }, { kind: "bill", text: billOf(world.shop, [trade]) });
  const first = await runByHand(world);
  expect([first.status, first.json]).toMatchObject([200, { state: "done", discrepancies: 1 }]);
  const second = await runByHand(world);
  expect(second.json).toEqual({
    ...(await dayOf(world.shop)),
    state: "done",
    discrepancies: 0,
    billPaidFen: 100,
    ourPaidFen: 100,
  });
});

test("today can be run, and says why when WeChat has no bill of it", async () => {
  const world = await openWorld();
  openBills(world).reply({ kind: "refused" });
  const answer = await runByHand(world);
  expect([answer.status, answer.json]).toMatchObject([
    200,
    { day: DAY, state: "waiting", reason: "WeChat refused: FAIL SIGN ERROR" },
  ]);
});

test("a day that still runs is answered so, and joined by whoever asks for it meanwhile", async () => {
  const world = await openWorld();
  const bills = openBills(world);
  const { merchantId } = world.shop;
  // Its steps are never taken, and nobody waits ten seconds for that.
  vi.spyOn(globalThis, "setTimeout").mockImplementation((callback) => {
    queueMicrotask(callback);
    return setInterval(() => null, 1e9);
  });
  const both = await Promise.all(
    [1, 2].map(async () => await ask("POST", PATH, { body: { merchantId, day: DAY } })),
  );
  vi.mocked(globalThis.setTimeout).mockRestore();
  expect(both.map(({ status }) => status)).toEqual([202, 202]);
  expect(both[0]?.json).toMatchObject({ merchantId, day: DAY, state: "running" });
  await runSteps(world.shop);
  expect(bills.asked).toEqual([DAY]);
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
    const { shop } = await openWorld();
    const body = { merchantId: shop.merchantId, day: DAY, ...change };
    const answer = await ask("POST", PATH, { body });
    expect(answer.status).toBe(400);
    expect(Object.keys(faults(answer))).toEqual(at);
  });

  test("is told by each field that is missing", async () => {
    await openWorld();
    const answer = await ask("POST", PATH, { body: {} });
    expect(faults(answer)).toEqual({ merchantId: "is required", day: "is required" });
  });

  test("ninety days ago is the first that can", async () => {
    const world = await openWorld();
    openBills(world);
    expect((await runByHand(world, "2039-10-03")).status).toBe(200);
  });

  test("is one of a merchant without an app", async () => {
    await openWorld();
    const { merchantId } = await openShop();
    await env.DB.prepare("delete from apps where merchant_id = ?").bind(merchantId).run();
    forgetSettings();
    const answer = await ask("POST", PATH, { body: { merchantId, day: DAY } });
    expect(answer.status).toBe(409);
  });
});

test("the days are listed, the last begun first, page by page, by each filter", async () => {
  const world = await openWorld();
  openBills(world);
  vi.setSystemTime(beijing("2040-01-04T11:00:00"));
  for (const day of ["2040-01-01", "2040-01-02", "2040-01-03"]) await run(world.shop, day);
  const { merchantId } = world.shop;
  const idOf = async (day: string) => (await dayOf(world.shop, day)).id;
  const ids = [await idOf("2040-01-03"), await idOf("2040-01-02"), await idOf("2040-01-01")];
  const list = async (query: string) =>
    pageIn(await ask("GET", `${PATH}?merchantId=${merchantId}&${query}`));
  expect(await list("limit=2")).toEqual({ ids: ids.slice(0, 2), nextCursor: ids[1] });
  expect(await list(`limit=2&cursor=${ids[1]}`)).toEqual({ ids: ids.slice(2), nextCursor: null });
  expect((await list("day=2040-01-02")).ids).toEqual([ids[1]]);
  expect((await list("state=done")).ids).toEqual(ids);
  expect((await list("state=waiting")).ids).toEqual([]);
  expect((await ask("GET", `${PATH}/${ids[0]}`)).json).toEqual(
    await dayOf(world.shop, "2040-01-03"),
  );
  expect((await ask("GET", `${PATH}/999999999`)).status).toBe(404);
});

test.for(["day=yesterday", "state=over", "merchantId=x", "limit=0", "cursor=x", "colour=red"])(
  "a list by ?%s is refused by name",
  async (query) => {
    const answer = await ask("GET", `${PATH}?${query}`);
    expect(answer.status).toBe(400);
    expect(Object.keys(faults(answer))).toEqual([query.split("=")[0]]);
  },
);

test.for(["GET ", "GET /1", "POST "])("%s is a 401 without the token", async (route) => {
  const [method = "", path = ""] = route.split(" ");
  const response = await send(`${PATH}${path}`, { method, headers: { authorization: "Bearer x" } });
  expect(response.status).toBe(401);
});
