import type { Case, Cases } from "../support/case.ts";
import { routesOf } from "../support/routes.ts";
import { formTo, validForm } from "../support/signing.ts";

/** Values that are not a positive integer in plain digits, or larger than any id. */
const INVALID_INTEGERS: readonly string[] = [
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

/** The parameters tested so far: each gets the whole list at its first route, a quarter at the others. */
const tested = new Set<string>();

function integersFor(parameter: string): readonly string[] {
  const isTested = tested.has(parameter);
  tested.add(parameter);
  return INVALID_INTEGERS.filter(
    (number, at) => (!isTested || at % 4 === 0) && !(parameter === "sync" && number === "0"),
  );
}

export const appIntegers: Cases = routesOf("app").flatMap(([route, endpoint]) =>
  ["appId", ...endpoint.integers].flatMap((parameter) =>
    integersFor(parameter).map((number): Case => ({
      name: `${parameter} ${JSON.stringify(number.slice(0, 30))}`,
      route,
      answer: "app 501",
      // A large id may be valid but absent.
      textPattern: new RegExp(`${parameter} |订单不存在|appId 不存在`),
      request: (target) =>
        formTo(route, target, validForm(endpoint, target, { [parameter]: number })),
    })),
  ),
);
