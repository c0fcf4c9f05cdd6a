import { type Case, type Cases, casesFor } from "../support/case.ts";
import { operatorRequest } from "../support/operator-request.ts";
import { routesOf } from "../support/routes.ts";

/** Path segments that are not an id, or an id without a row. */
const INVALID_IDS: readonly string[] = [
  "0",
  "-1",
  "+1",
  "01",
  "1e0",
  "1e3",
  "0x1",
  "1.0",
  "1.5",
  "%201",
  "1%20",
  "1%0a",
  "1%00",
  "1,2",
  "1;2",
  "%EF%BC%91",
  "%D9%A1",
  "NaN",
  "Infinity",
  "null",
  "undefined",
  "__proto__",
  "constructor",
  "*",
  ":id",
  "9007199254740993",
  "999999999999999",
  "99999999999999999999",
  "9".repeat(3_000),
  "1%27%20or%20%271%27=%271",
  "1%3b%20drop%20table%20orders",
  "..%2f1",
  "1%2f..%2f1",
  "%2e%2e",
  "%252e%252e%252f1",
  "..%5c1",
  "%ff",
  "%",
  "%u0031",
  "%E2%80%AE1",
  "999999",
];

/** Queries that no list accepts. */
const INVALID_QUERIES: readonly string[] = [
  "?page=1",
  "?LIMIT=1",
  "?limit%00=1",
  "?__proto__=1",
  "?constructor=1",
  "?toString=1",
  "?limit[]=1",
  "?limit[$gt]=0",
  "?order%20by=1",
  "?order=id%3b%20drop%20table%20apps",
  "?%ff=1",
  `?${"a".repeat(5_000)}=1`,
  `?${Array.from({ length: 1_000 }, (_, at) => `p${at}=1`).join("&")}`,
];

/** Values that are not a non-negative integer in plain digits, or too large. */
const INVALID_INTEGERS: readonly string[] = [
  "",
  "-1",
  "%2B1",
  "+1",
  "1e1",
  "0x10",
  "1.0",
  "1,0",
  "%201",
  "1%20",
  "1%0a",
  "1%00",
  "%EF%BC%91",
  "%D9%A1",
  "NaN",
  "null",
  "true",
  "9".repeat(16),
  "9".repeat(3_000),
  "1%27--",
  "1%20or%201=1",
  "${1}",
  "%7B%7B1%7D%7D",
  "%ff",
];

/** Filters that the order list refuses. */
const INVALID_FILTERS: readonly string[] = [
  "?payState=",
  "?payState=PAID",
  "?payState=paid'--",
  "?payState=2",
  "?payState=__proto__",
  "?payNotifyState=all",
  "?payNotifyState[]=none",
  `?number=${"0".repeat(65)}`,
  `?appOrderNo=${"a".repeat(65)}`,
  `?openId=${"o".repeat(129)}`,
  "?q=",
  "?q=%60",
  `?q=${"1".repeat(65)}`,
  "?refundState=4",
  "?sums=yes",
  "?paidFrom=2026-02-30",
  "?limit=0",
  "?limit=101",
];

/** Unusual but valid filters: they match no row, or the first of two values counts. */
const VALID_FILTERS: readonly string[] = [
  "?number=%25",
  "?number=' or 1=1--",
  "?number=%00",
  "?number=%F0%9F%93%9A",
  "?appOrderNo=_______",
  "?appOrderNo=*",
  "?q=%25",
  "?q=' or 1=1--",
  "?openId=' or 1=1--",
  "?openId=oCanaryPaidOpenId7f3b0c5e91",
  "?sums=1",
  "?createdFrom=999999999999999",
  "?createdFrom=2&createdBefore=1",
  "?appId=0",
  "?cursor=0",
  "?limit=1&limit=1000",
  "?&&&",
  "?#",
];

export const adminPaths: Cases = casesFor(routesOf("admin"), ([route, definition]) => [
  ...(definition.id === undefined
    ? []
    : INVALID_IDS.map((id): Case => ({
        name: `the id ${id.slice(0, 30)}`,
        route,
        answer: "admin 404",
        request: (target) => operatorRequest(route, target, { id }),
      }))),
  ...(definition.queryIntegers === undefined ? [] : INVALID_QUERIES).map((query): Case => ({
    name: `the query ${query.slice(0, 30)}`,
    route,
    answer: "admin 400",
    request: (target) => operatorRequest(route, target, { query }),
  })),
  ...(definition.queryIntegers ?? []).flatMap((parameter) =>
    INVALID_INTEGERS.map((number): Case => ({
      name: `${parameter}=${number.slice(0, 30)}`,
      route,
      answer: "admin 400",
      textPattern: new RegExp(`"path":"${parameter}"`),
      request: (target) => operatorRequest(route, target, { query: `?${parameter}=${number}` }),
    })),
  ),
]);

export const orderFilters: Cases = [
  ...INVALID_FILTERS.map((query): Case => ({
    name: `the query ${query.slice(0, 40)}`,
    route: "GET /admin/orders",
    answer: "admin 400",
    request: (target) => operatorRequest("GET /admin/orders", target, { query }),
  })),
  ...VALID_FILTERS.map((query): Case => ({
    name: `accepted: the query ${query}`,
    route: "GET /admin/orders",
    answer: "admin 200",
    request: (target) => operatorRequest("GET /admin/orders", target, { query }),
  })),
];
