import type { Case, Theme } from "../support/case.ts";
import { routesOf } from "../support/routes.ts";
import { formTo, good } from "../support/signing.ts";

/** What isn't a whole number from 1 up in plain digits, or is larger than any that there is. */
const NUMBERS: readonly string[] = [
  "0",
  "-1",
  "-0",
  "+1",
  "1e0",
  "1e3",
  "1E3",
  "0x1",
  "0b1",
  "0o1",
  "01",
  "1.0",
  "1.",
  ".1",
  "1,000",
  "1_000",
  "1n",
  " 1",
  "1 ",
  "\t1",
  "1\n",
  "1\u0000",
  "\uFEFF1",
  "1\u200b",
  "１",
  "١",
  "①",
  "²",
  "一",
  "%31",
  "NaN",
  "Infinity",
  "-Infinity",
  "null",
  "undefined",
  "true",
  "[1]",
  "1;drop table orders",
  "1 or 1=1",
  "1' or '1'='1",
  "${1}",
  "{{1}}",
  "$(id)",
  "4294967297",
  "9007199254740992",
  "9007199254740993",
  "9223372036854775807",
  "9223372036854775808",
  "18446744073709551617",
  "9".repeat(400),
];

/** The whole list where a parameter first comes, a part of it where it comes again. */
const asked = new Set<string>();

function numbersFor(parameter: string): readonly string[] {
  const isKnown = asked.has(parameter);
  asked.add(parameter);
  return NUMBERS.filter(
    (number, at) => (!isKnown || at % 4 === 0) && !(parameter === "sync" && number === "0"),
  );
}

export const appNumbers: Theme = routesOf("app").flatMap(([route, endpoint]) =>
  ["appId", ...endpoint.integers].flatMap((parameter) =>
    numbersFor(parameter).map((number): Case => ({
      name: `${parameter} ${JSON.stringify(number.slice(0, 30))}`,
      route,
      answer: "app 501",
      // One of the ids may be large and simply nobody's.
      about: new RegExp(`${parameter} |订单不存在|appId 不存在`),
      request: (scene) => formTo(route, scene, good(endpoint, scene, { [parameter]: number })),
    })),
  ),
);
