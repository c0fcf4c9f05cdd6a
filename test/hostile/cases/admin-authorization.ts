import { Buffer } from "node:buffer";
import { env } from "cloudflare:workers";
import { type Case, type Cases, casesFor } from "../support/case.ts";
import { CANARIES } from "../support/canaries.ts";
import { operatorRequest } from "../support/operator-request.ts";
import { pathOf, methodOf, routesOf } from "../support/routes.ts";

const token = env.ADMIN_TOKEN;
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

/** Headers that do not authorize. */
const UNAUTHORIZED_HEADERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "an empty Authorization": { authorization: "" },
  "a scheme without a token": { authorization: "Bearer" },
  "a scheme and a space": { authorization: "Bearer " },
  "a token without a scheme": { authorization: token },
  "an unknown token": { authorization: `Bearer ${CANARIES.token}` },
  "the token truncated": { authorization: `Bearer ${token.slice(0, -1)}` },
  "the token with a letter appended": { authorization: `Bearer ${token}x` },
  "the token twice": { authorization: `Bearer ${token} ${token}` },
  "two values in one Authorization header": {
    authorization: `Bearer ${token}, Bearer ${CANARIES.token}`,
  },
  "the token in upper case": { authorization: `Bearer ${token.toUpperCase()}` },
  "the token in quotes": { authorization: `Bearer "${token}"` },
  "the token in base64": { authorization: `Bearer ${Buffer.from(token).toString("base64")}` },
  "two spaces before the token": { authorization: `Bearer  ${token}` },
  "a tab before the token": { authorization: `Bearer\t${token}` },
  "a colon before the token": { authorization: `Bearer: ${token}` },
  "the token as a Basic password": { authorization: basic(`admin:${token}`) },
  "the token as a Basic user": { authorization: basic(`${token}:`) },
  "the token with another scheme": { authorization: `Token ${token}` },
  "the scheme Negotiate": { authorization: "Negotiate TlRMTVNTUAABAAAA" },
  "the scheme Digest": { authorization: `Digest username="admin", response="${CANARIES.sign}"` },
  "a token of sixty thousand letters": { authorization: `Bearer ${"x".repeat(60_000)}` },
  "the token with Cyrillic look-alikes": {
    authorization: `Bearer ${token.replaceAll("a", "\u0430")}`,
  },
  "a prototype property as the token": { authorization: "Bearer __proto__" },
  "the word undefined as the token": { authorization: "Bearer undefined" },
  "SQL as the token": { authorization: "Bearer ' or '1'='1" },
  "the master key": { authorization: `Bearer ${env.MASTER_KEY}` },
  "the published development token": { authorization: "Bearer development-admin-token" },
  "the token in other headers": {
    "proxy-authorization": `Bearer ${token}`,
    "x-admin-token": token,
    "x-api-key": token,
    cookie: `token=${token}; authorization=Bearer ${token}`,
  },
  "a loopback client address": {
    "cf-connecting-ip": "127.0.0.1",
    "x-forwarded-for": "127.0.0.1",
    "x-real-ip": "::1",
    forwarded: "for=127.0.0.1",
    host: "localhost",
  },
  "headers that override the path and the method": {
    "x-original-url": "/health",
    "x-rewrite-url": "/health",
    "x-http-method-override": "GET",
  },
};

export const adminAuthorization: Cases = casesFor(routesOf("admin"), ([route]) => [
  {
    name: "no Authorization",
    route,
    answer: "admin 401",
    request: (target) => ({ path: pathOf(route, target), init: { method: methodOf(route) } }),
  },
  {
    name: "the token in the query",
    route,
    answer: "admin 401",
    request: (target) => ({
      path: `${pathOf(route, target)}?access_token=x&authorization=Bearer+${CANARIES.token}`,
      init: { method: methodOf(route) },
    }),
  },
  ...Object.entries(UNAUTHORIZED_HEADERS).map(([name, headers]): Case => ({
    name,
    route,
    answer: "admin 401",
    request: (target) =>
      "authorization" in headers
        ? operatorRequest(route, target, { headers })
        : operatorRequest(route, target, { headers: { authorization: "", ...headers } }),
  })),
]);
