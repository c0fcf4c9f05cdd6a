import { afterAll, beforeAll, expect, test } from "vitest";
import { app } from "../../src/app.ts";
import { send } from "../support/gateway.ts";
import { bindingsWithLimits } from "../support/limits.ts";
import { closeScene } from "../support/scene.ts";
import { CORPUS } from "./corpus.ts";
import type { Case } from "./support/case.ts";
import { GIVEN } from "./support/given.ts";
import { LeakSearch } from "./support/leaks.ts";
import { faultsOf } from "./support/outcomes.ts";
import { names } from "./support/routes.ts";
import { setScene, type Scene } from "./support/scene.ts";
import { dumpD1, dumpObjects, dumpTimelines } from "./support/stores.ts";
import { Doings } from "./support/doings.ts";

/** Fewer, and something has fallen out of the corpus. */
const LEAST_CASES = 500;
const LEAST_CASES_A_ROUTE = 10;

const cases = Object.values(CORPUS).flat();

/** What the gateway has answered; alike answers once. */
const answers = new Set<string>();
let scene: Scene;
/** A flood would be limited, and not logged line by line. */
const unlimited = bindingsWithLimits({}).bindings;
let doings: Doings;

beforeAll(async () => {
  scene = await setScene();
  doings = await Doings.watch();
});

afterAll(closeScene);

test("every route of the gateway is in the table, and nothing else", () => {
  const routes = app.routes
    // What ends in a star is no route of its own: middleware, and what answers where none is.
    .filter(({ path }) => !path.endsWith("*"))
    .map(({ method, path }) => `${method} ${path.replaceAll(/(:\w+)\{[^/]*\}/g, "$1")}`);
  expect(names().toSorted()).toEqual([...new Set(routes)].toSorted());
});

test(`there are ${cases.length} hostile requests, some to every route, none twice`, () => {
  expect(cases.length).toBeGreaterThanOrEqual(LEAST_CASES);
  const few = names().filter(
    (name) => cases.filter(({ route }) => route === name).length < LEAST_CASES_A_ROUTE,
  );
  expect(few).toEqual([]);
  for (const [theme, its] of Object.entries(CORPUS)) {
    const titles = its.map(titleOf);
    expect(titles, theme).toEqual([...new Set(titles)]);
  }
});

test.for(Object.entries(CORPUS))("%s: each is answered as declared", async ([, theme]) => {
  const before = [await dumpD1(), await dumpObjects(scene)];
  doings.look();
  const faults: string[] = [];
  for (const hostile of theme) {
    const found = await tried(hostile);
    faults.push(...found.map((fault) => `${titleOf(hostile)}: ${fault}`));
  }
  expect(faults).toEqual([]);
  if (theme.every(({ may }) => may === undefined)) {
    expect([await dumpD1(), await dumpObjects(scene)]).toEqual(before);
  }
});

test("no secret is in an answer, in the log, in a timeline or plain in D1", async () => {
  const search = new LeakSearch(
    new Map([...scene.secrets, ...scene.openIds, ...Object.entries(GIVEN)]),
  );
  const d1 = new LeakSearch(new Map([...scene.secrets, ...Object.entries(GIVEN)]));
  const logged = scene.world.logged.join("\n");
  expect(logged.match(/"event":"request"/g)?.length).toBeGreaterThanOrEqual(cases.length);
  expect(search.in(logged)).toEqual([]);
  expect(search.in([...answers].join("\n"))).toEqual([]);
  expect(search.in(await dumpTimelines())).toEqual([]);
  expect(d1.in(await dumpD1())).toEqual([]);
});

function titleOf({ route, name }: Case): string {
  return `${route}: ${name}`;
}

/** Sends one request. What is wrong with its answer and with what has come of it. */
async function tried(hostile: Case): Promise<string[]> {
  const { answer, about } = hostile;
  const { path, init } = await hostile.request(scene);
  const response = await send(path, init, unlimited);
  const text = await response.text();
  answers.add(
    `${text}\n${JSON.stringify([...response.headers].filter(([name]) => name !== "x-request-id"))}`,
  );
  const { status, headers } = response;
  const heard = { method: init.method ?? "GET", status, headers, text };
  const faults = faultsOf(heard, answer, about);
  return [...faults, ...(await doings.faultsOf(hostile))];
}
