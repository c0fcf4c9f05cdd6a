import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { bytes, FORM, JSON_TYPE, post, type Case, type Cases, casesFor } from "../support/case.ts";
import { CANARIES } from "../support/canaries.ts";
import { operatorRequest } from "../support/operator-request.ts";
import { pathOf, routesOf, type AppRoute, type RouteName } from "../support/routes.ts";
import { formTo, validForm, textToSign, withSign, sha1 } from "../support/signing.ts";

/** Fixed, so that every run sends the same requests. */
const SEED = 20_261_123;

/** Draws `count` values. `of` names the sample, so that samples of one arbitrary differ. */
function sample<T>(arbitrary: fc.Arbitrary<T>, count: number, of: string): readonly T[] {
  const seed =
    SEED ^ Buffer.from(of).reduce((sum: number, byte: number) => (sum * 31 + byte) | 0, 0);
  return fc.sample(arbitrary, { seed, numRuns: count });
}

const SPECIAL_PARTS = [
  "%00",
  "%0d%0a",
  "%u0000",
  "&",
  "=",
  ";",
  "+",
  "%2B",
  "[]",
  "__proto__",
  "\ufeff",
];

const TEXT = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.array(fc.constantFrom(...SPECIAL_PARTS), { maxLength: 8 }).map((parts) => parts.join("")),
);

const BYTES = fc.uint8Array({ minLength: 1, maxLength: 300 });

/** A valid form with one byte changed, so that its sign is invalid. */
function damaged(
  route: RouteName,
  definition: AppRoute,
  at: number,
  byte: number,
  name: string,
): Case {
  return {
    name,
    route,
    answer: "app 501",
    request: (target) => {
      const body = bytes(validForm(definition, target, { z: "zzz" }).toString());
      const position = at % body.length;
      const before = body[position] ?? 0;
      // Changing only the case of a hex digit would leave the sign valid.
      body[position] = before === byte || (before ^ byte) === 0x20 ? 0x21 : byte;
      return { path: pathOf(route, target), init: post(body, FORM) };
    },
  };
}

const app: Cases = casesFor(routesOf("app"), ([route, definition]) => [
  ...sample(BYTES, 15, `${route} form`).map((body, at): Case => ({
    name: `random bytes ${at} labelled a form`,
    route,
    answer: "app 501",
    request: (target) => ({ path: pathOf(route, target), init: post(new Uint8Array(body), FORM) }),
  })),
  ...sample(fc.json({ maxDepth: 4 }), 15, `${route} json`).map((json, at): Case => ({
    name: `random JSON ${at}`,
    route,
    answer: "app 501",
    request: (target) => ({ path: pathOf(route, target), init: post(json, JSON_TYPE) }),
  })),
  ...sample(fc.dictionary(TEXT, TEXT, { minKeys: 1 }), 15, `${route} names`).map(
    (values, at): Case => ({
      name: `random names and values ${at}`,
      route,
      answer: "app 501",
      request: (target) => {
        const body = JSON.stringify({ ...values, appId: target.shop.appId, sign: CANARIES.sign });
        return { path: pathOf(route, target), init: post(body, JSON_TYPE) };
      },
    }),
  ),
  ...sample(fc.tuple(fc.nat(), fc.nat(255)), 15, `${route} damage`).map(([position, byte], at) =>
    damaged(route, definition, position, byte, `a valid form with damage ${at}`),
  ),
  // Validly signed: only the parameter's own rules refuse the request.
  ...definition.integers.flatMap((parameter) =>
    sample(
      TEXT.filter(
        (text) => text.isWellFormed() && text !== "" && !/^[1-9]\d*$/.test(text) && text !== "0",
      ),
      10,
      `${route} ${parameter}`,
    ).map((text, at): Case => ({
      name: `${parameter} with the random text ${at}`,
      route,
      answer: "app 501",
      request: (target) => {
        const form = validForm(definition, target, { [parameter]: text });
        const { salt } = target.shop;
        return formTo(route, target, withSign(form, sha1(salt + textToSign(form) + salt)));
      },
    })),
  ),
]);

const notifications: Cases = routesOf("v2", "v3").flatMap(([route, definition]): Case[] =>
  sample(BYTES, 20, route).map((body, at) => ({
    name: `random bytes ${at}`,
    route,
    answer: definition.kind === "v2" ? ("v2 not accepted" as const) : ("v3 not authentic" as const),
    request: (target) => ({
      path: pathOf(route, target),
      init: post(new Uint8Array(body), "text/xml"),
    }),
  })),
);

const admin: Cases = routesOf("admin").flatMap(([route, { body, takesEmptyBody }]): Case[] =>
  body === undefined
    ? []
    : sample(
        fc.json({ maxDepth: 4 }).filter((json) => takesEmptyBody !== true || json !== "{}"),
        15,
        route,
      ).map((json, at) => ({
        name: `random JSON ${at}`,
        route,
        answer: "admin 400" as const,
        request: (target) => operatorRequest(route, target, { raw: json }),
      })),
);

export const random: Cases = [...app, ...notifications, ...admin];
