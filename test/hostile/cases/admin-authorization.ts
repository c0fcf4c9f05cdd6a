import { Buffer } from "node:buffer";
import { env } from "cloudflare:workers";
import { type Case, type Theme, toEach } from "../support/case.ts";
import { GIVEN } from "../support/given.ts";
import { operator } from "../support/operator.ts";
import { pathOf, methodOf, routesOf } from "../support/routes.ts";

const right = env.ADMIN_TOKEN;
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

/** Headers with which nobody is let in. */
const STRANGERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "an empty Authorization": { authorization: "" },
  "a scheme without a token": { authorization: "Bearer" },
  "a scheme and a blank": { authorization: "Bearer " },
  "a token without a scheme": { authorization: right },
  "another's token": { authorization: `Bearer ${GIVEN.token}` },
  "the token cut short": { authorization: `Bearer ${right.slice(0, -1)}` },
  "the token and a letter": { authorization: `Bearer ${right}x` },
  "the token twice": { authorization: `Bearer ${right} ${right}` },
  "two Authorizations": { authorization: `Bearer ${right}, Bearer ${GIVEN.token}` },
  "the token in upper case": { authorization: `Bearer ${right.toUpperCase()}` },
  "the token in quotes": { authorization: `Bearer "${right}"` },
  "the token in base64": { authorization: `Bearer ${Buffer.from(right).toString("base64")}` },
  "two blanks before the token": { authorization: `Bearer  ${right}` },
  "a tab before the token": { authorization: `Bearer\t${right}` },
  "a colon before the token": { authorization: `Bearer: ${right}` },
  "the token as a password": { authorization: basic(`admin:${right}`) },
  "the token as a user": { authorization: basic(`${right}:`) },
  "the token of another scheme": { authorization: `Token ${right}` },
  Negotiate: { authorization: "Negotiate TlRMTVNTUAABAAAA" },
  Digest: { authorization: `Digest username="admin", response="${GIVEN.sign}"` },
  "a token of sixty thousand letters": { authorization: `Bearer ${"x".repeat(60_000)}` },
  "a token in look-alikes": { authorization: `Bearer ${right.replaceAll("a", "\u0430")}` },
  "a token of a prototype": { authorization: "Bearer __proto__" },
  "a token that says undefined": { authorization: "Bearer undefined" },
  "a token of SQL": { authorization: "Bearer ' or '1'='1" },
  "the master key": { authorization: `Bearer ${env.MASTER_KEY}` },
  "the published development token": { authorization: "Bearer development-admin-token" },
  "the token in other headers": {
    "proxy-authorization": `Bearer ${right}`,
    "x-admin-token": right,
    "x-api-key": right,
    cookie: `token=${right}; authorization=Bearer ${right}`,
  },
  "an inner address": {
    "cf-connecting-ip": "127.0.0.1",
    "x-forwarded-for": "127.0.0.1",
    "x-real-ip": "::1",
    forwarded: "for=127.0.0.1",
    host: "localhost",
  },
  "another path and method in its headers": {
    "x-original-url": "/health",
    "x-rewrite-url": "/health",
    "x-http-method-override": "GET",
  },
};

export const adminAuthorization: Theme = toEach(routesOf("admin"), ([route]) => [
  {
    name: "no Authorization",
    route,
    answer: "admin 401",
    request: (scene) => ({ path: pathOf(route, scene), init: { method: methodOf(route) } }),
  },
  {
    name: "the token in the query",
    route,
    answer: "admin 401",
    request: (scene) => ({
      path: `${pathOf(route, scene)}?access_token=x&authorization=Bearer+${GIVEN.token}`,
      init: { method: methodOf(route) },
    }),
  },
  ...Object.entries(STRANGERS).map(([name, headers]): Case => ({
    name,
    route,
    answer: "admin 401",
    request: (scene) =>
      "authorization" in headers
        ? operator(route, scene, { headers })
        : operator(route, scene, { headers: { authorization: "", ...headers } }),
  })),
]);
