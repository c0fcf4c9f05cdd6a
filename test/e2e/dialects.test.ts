import { describe, expect, test } from "vitest";
import { dataOf, USUAL_ORDER } from "../../testkit/app-client.ts";
import type { RenderingName } from "../../testkit/app-signature.ts";
import { createdOrder } from "../../testkit/contract.ts";
import { openShop } from "./support/shop.ts";

/** Characters that libraries encode differently. */
const SPECIAL = "《三体》 it's (new)! *~-_.";

const LIBRARIES: readonly RenderingName[] = [
  "PHP http_build_query",
  "PHP http_build_query, RFC 3986",
  "Java URLEncoder",
  "Python quote_plus",
  "JS URLSearchParams",
  "JS encodeURIComponent",
  "raw text",
];

describe.for(["form", "json"] as const)("a request with a %s body", (body) => {
  test.for(LIBRARIES)("is accepted when signed as %s", async (rendering, t) => {
    const shop = await openShop(t);
    const app = shop.app.withDialect({ body, rendering });
    // Raw text is accepted where it is unambiguous.
    const text = rendering === "raw text" ? SPECIAL : `${SPECIAL} 1+1=2&3%4`;
    const parameters = { desc: text, attach: ` ${text}`, "x-unknown": "", _empty: "" };
    const order = dataOf(await app.createOrder(parameters));
    const view = dataOf(await app.order({ order_id: order.orderId }));
    expect(view).toMatchObject({ desc: text, attach: ` ${text}` });
    expect(await shop.sandbox.order(order.orderNumber)).toMatchObject({ body: text });
  });
});

test("signature: ambiguous raw text is refused", async (t) => {
  const { app } = await openShop(t);
  const raw = app.withDialect({ body: "form", rendering: "raw text" });
  for (const attach of ["a&tag=b", "1+1", "100%25"]) {
    expect(await raw.createOrder({ attach })).toMatchObject({ code: 501 });
  }
});

test("signature: upper-case hex is accepted", async (t) => {
  const { app } = await openShop(t);
  const request = app.sign("/pay/create-order", USUAL_ORDER);
  const { sign = "" } = request.fields;
  const body = request.body.replace(sign, sign.toUpperCase());
  expect(await app.send({ ...request, body }, createdOrder)).toMatchObject({ code: 0 });
});

test("signature: a changed request and an unknown app get the same answer", async (t) => {
  const shop = await openShop(t);
  const other = await openShop(t);
  const request = shop.app.sign("/pay/create-order", USUAL_ORDER);
  const changes: readonly (readonly [from: string, to: string])[] = [
    ["totalFree=100", "totalFree=1"],
    ["&tag=book", ""],
    ["tag=book", "tag=book&extra=1"],
    [`appId=${shop.app.id}`, `appId=${other.app.id}`],
    [`appId=${shop.app.id}`, "appId=99999999"],
  ];
  const answers: object[] = [];
  for (const [from, to] of changes) {
    expect(request.body).toContain(from);
    const body = request.body.replace(from, to);
    answers.push(await shop.app.send({ ...request, body }, createdOrder));
  }
  expect(answers[0]).toMatchObject({ code: 501, errmsg: expect.stringContaining("sign") });
  expect(answers).toEqual(answers.map(() => answers[0]));
});

test("salt rotation: both salts work during the overlap, the new one only afterwards", async (t) => {
  const shop = await openShop(t);
  const renewed = shop.appWith(await shop.admin.rotateSalt(shop.app.id, 3600));
  expect(await shop.app.createOrder()).toMatchObject({ code: 0 });
  expect(await renewed.createOrder()).toMatchObject({ code: 0 });
  const last = shop.appWith(await shop.admin.rotateSalt(shop.app.id, 0));
  expect(await shop.app.createOrder()).toMatchObject({ code: 501 });
  expect(await renewed.createOrder()).toMatchObject({ code: 501 });
  expect(await last.createOrder()).toMatchObject({ code: 0 });
});

test("a disabled app is refused until it is enabled again", async (t) => {
  const { app, admin } = await openShop(t);
  await admin.changeApp(app.id, { enabled: false });
  expect(await app.createOrder()).toMatchObject({ code: 501 });
  await admin.changeApp(app.id, { enabled: true });
  expect(await app.createOrder()).toMatchObject({ code: 0 });
});
