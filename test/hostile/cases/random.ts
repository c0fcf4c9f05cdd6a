import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { bytes, FORM, JSON_TYPE, post, type Case, type Theme, toEach } from "../support/case.ts";
import { GIVEN } from "../support/given.ts";
import { operator } from "../support/operator.ts";
import { pathOf, routesOf, type AppRoute, type RouteName } from "../support/routes.ts";
import { formTo, good, unsigned, withSign, sha1 } from "../support/signing.ts";

/** The same requests in every run; another seed is another corpus. */
const SEED = 20_261_123;

/** `count` values; `of` keeps one sample from being the other's beginning. */
function sample<T>(arbitrary: fc.Arbitrary<T>, count: number, of: string): readonly T[] {
  const seed =
    SEED ^ Buffer.from(of).reduce((sum: number, byte: number) => (sum * 31 + byte) | 0, 0);
  return fc.sample(arbitrary, { seed, numRuns: count });
}

const TRICKS = ["%00", "%0d%0a", "%u0000", "&", "=", ";", "+", "%2B", "[]", "__proto__", "\ufeff"];

const TEXT = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.array(fc.constantFrom(...TRICKS), { maxLength: 8 }).map((parts) => parts.join("")),
);

const BYTES = fc.uint8Array({ minLength: 1, maxLength: 300 });

/** A form with one byte of it changed: its signature can't be right any more. */
function damaged(route: RouteName, about: AppRoute, at: number, byte: number, name: string): Case {
  return {
    name,
    route,
    answer: "app 501",
    request: (scene) => {
      const body = bytes(good(about, scene, { z: "zzz" }).toString());
      const place = at % body.length;
      const before = body[place] ?? 0;
      // Another letter of the sign's hex may be the same digit in another case.
      body[place] = before === byte || (before ^ byte) === 0x20 ? 0x21 : byte;
      return { path: pathOf(route, scene), init: post(body, FORM) };
    },
  };
}

const app: Theme = toEach(routesOf("app"), ([route, about]) => [
  ...sample(BYTES, 15, `${route} form`).map((body, at): Case => ({
    name: `random bytes ${at} for a form`,
    route,
    answer: "app 501",
    request: (scene) => ({ path: pathOf(route, scene), init: post(new Uint8Array(body), FORM) }),
  })),
  ...sample(fc.json({ maxDepth: 4 }), 15, `${route} json`).map((json, at): Case => ({
    name: `random JSON ${at}`,
    route,
    answer: "app 501",
    request: (scene) => ({ path: pathOf(route, scene), init: post(json, JSON_TYPE) }),
  })),
  ...sample(fc.dictionary(TEXT, TEXT, { minKeys: 1 }), 15, `${route} names`).map(
    (values, at): Case => ({
      name: `random names and values ${at}`,
      route,
      answer: "app 501",
      request: (scene) => {
        const body = JSON.stringify({ ...values, appId: scene.shop.appId, sign: GIVEN.sign });
        return { path: pathOf(route, scene), init: post(body, JSON_TYPE) };
      },
    }),
  ),
  ...sample(fc.tuple(fc.nat(), fc.nat(255)), 15, `${route} damage`).map(([place, byte], at) =>
    damaged(route, about, place, byte, `a right form with damage ${at}`),
  ),
  // Signed by somebody who knows the salt: only the parameters' own rules are in the way.
  ...about.integers.flatMap((parameter) =>
    sample(
      TEXT.filter(
        (text) => text.isWellFormed() && text !== "" && !/^[1-9]\d*$/.test(text) && text !== "0",
      ),
      10,
      `${route} ${parameter}`,
    ).map((text, at): Case => ({
      name: `${parameter} of a random text ${at}`,
      route,
      answer: "app 501",
      request: (scene) => {
        const form = good(about, scene, { [parameter]: text });
        const { salt } = scene.shop;
        return formTo(route, scene, withSign(form, sha1(salt + unsigned(form) + salt)));
      },
    })),
  ),
]);

const notifications: Theme = routesOf("v2", "v3").flatMap(([route, about]): Case[] =>
  sample(BYTES, 20, route).map((body, at) => ({
    name: `random bytes ${at}`,
    route,
    answer: about.kind === "v2" ? ("v2 not accepted" as const) : ("v3 not authentic" as const),
    request: (scene) => ({
      path: pathOf(route, scene),
      init: post(new Uint8Array(body), "text/xml"),
    }),
  })),
);

const admin: Theme = routesOf("admin").flatMap(([route, { body }]): Case[] =>
  body === undefined
    ? []
    : sample(fc.json({ maxDepth: 4 }), 15, route).map((json, at) => ({
        name: `random JSON ${at}`,
        route,
        answer: "admin 400" as const,
        request: (scene) => operator(route, scene, { raw: json }),
      })),
);

export const random: Theme = [...app, ...notifications, ...admin];
