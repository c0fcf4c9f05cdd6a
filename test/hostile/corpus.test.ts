import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { app } from "../../src/app.ts";
import { send } from "../support/gateway.ts";
import { limited } from "../support/limits.ts";
import { closeWorld } from "../support/world.ts";
import { CORPUS } from "./corpus.ts";
import { CANARIES } from "./support/canaries.ts";
import type { Case } from "./support/case.ts";
import { problemsOf } from "./support/expected-answers.ts";
import { LeakSearch } from "./support/leaks.ts";
import { routeNames } from "./support/routes.ts";
import { SideEffects } from "./support/side-effects.ts";
import { dumpD1, dumpObjects, dumpTimelines } from "./support/stores.ts";
import { setUpTarget, type Target } from "./support/target.ts";

/** With fewer cases, a part of the corpus was lost. */
const MIN_CASES = 500;
const MIN_CASES_PER_ROUTE = 10;

const cases = Object.values(CORPUS).flat();

/** The distinct answers of the gateway. */
const answers = new Set<string>();
let target: Target;
/** Without limits: a limited request is not logged line by line. */
const unlimited = limited({}).bindings;
let sideEffects: SideEffects;

beforeAll(async () => {
  target = await setUpTarget();
  sideEffects = await SideEffects.observe();
});

afterAll(closeWorld);

describe("the corpus of hostile requests", () => {
  test("has an entry for every route of the gateway and no other", () => {
    const routes = app.routes
      // A path that ends in a star is not a route: it is middleware or the fallback.
      .filter(({ path }) => !path.endsWith("*"))
      .map(({ method, path }) => `${method} ${path.replaceAll(/(:\w+)\{[^/]*\}/g, "$1")}`);
    expect(routeNames().toSorted()).toEqual([...new Set(routes)].toSorted());
  });

  test(`has ${cases.length} cases, at least ${MIN_CASES_PER_ROUTE} per route, without duplicates`, () => {
    expect(cases.length).toBeGreaterThanOrEqual(MIN_CASES);
    const short = routeNames().filter(
      (name) => cases.filter(({ route }) => route === name).length < MIN_CASES_PER_ROUTE,
    );
    expect(short).toEqual([]);
    for (const [theme, its] of Object.entries(CORPUS)) {
      const titles = its.map(titleOf);
      expect(titles, theme).toEqual([...new Set(titles)]);
    }
  });
});

describe("I7, I10: hostile requests", () => {
  test.for(Object.entries(CORPUS))(
    "%s: get the expected answers and have no side effects",
    async ([, its]) => {
      const before = [await dumpD1(), await dumpObjects(target)];
      sideEffects.skip();
      const problems: string[] = [];
      for (const hostile of its) {
        const found = await problemsWith(hostile);
        problems.push(...found.map((problem) => `${titleOf(hostile)}: ${problem}`));
      }
      expect(problems).toEqual([]);
      if (its.every(({ allows }) => allows === undefined)) {
        expect([await dumpD1(), await dumpObjects(target)]).toEqual(before);
      }
    },
  );
});

describe("I9: after all hostile requests", () => {
  test("no secret is in an answer, a log line or a timeline, or in plain text in D1", async () => {
    const search = new LeakSearch(
      new Map([...target.secrets, ...target.openIds, ...Object.entries(CANARIES)]),
    );
    const d1 = new LeakSearch(new Map([...target.secrets, ...Object.entries(CANARIES)]));
    const logged = target.world.logged.join("\n");
    expect(logged.match(/"event":"request"/g)?.length).toBeGreaterThanOrEqual(cases.length);
    expect(search.findIn(logged)).toEqual([]);
    expect(search.findIn([...answers].join("\n"))).toEqual([]);
    expect(search.findIn(await dumpTimelines())).toEqual([]);
    expect(d1.findIn(await dumpD1())).toEqual([]);
  });
});

function titleOf({ route, name }: Case): string {
  return `${route}: ${name}`;
}

/** Sends a request. Describes what is wrong with its answer and its side effects. */
async function problemsWith(hostile: Case): Promise<string[]> {
  const { answer, textPattern } = hostile;
  const { path, init } = await hostile.request(target);
  const response = await send(path, init, unlimited);
  const text = await response.text();
  answers.add(
    `${text}\n${JSON.stringify([...response.headers].filter(([name]) => name !== "x-request-id"))}`,
  );
  const { status, headers } = response;
  const received = { method: init.method ?? "GET", status, headers, text };
  const problems = problemsOf(received, answer, textPattern);
  return [...problems, ...(await sideEffects.problemsOf(hostile))];
}
