import { describe, expect, it } from "vitest";
import { dataOf, USUAL_ORDER } from "../../testkit/app-client.ts";
import type { RenderingName } from "../../testkit/app-signature.ts";
import { createdOrder } from "../../testkit/contract.ts";
import { openShop } from "./support/shop.ts";

/** All that libraries write differently. */
const HARD = "《三体》 it's (new)! *~-_.";

const LIBRARIES: readonly RenderingName[] = [
  "PHP http_build_query",
  "PHP http_build_query, RFC 3986",
  "Java URLEncoder",
  "Python quote_plus",
  "JS URLSearchParams",
  "JS encodeURIComponent",
  "raw text",
];

describe.for(["form", "json"] as const)("a %s body", (body) => {
  it.for(LIBRARIES)("signed as %s is understood", async (rendering, t) => {
    const shop = await openShop(t);
    const app = shop.app.speaking({ body, rendering });
    // Raw text is accepted where it can mean one thing only.
    const text = rendering === "raw text" ? HARD : `${HARD} 1+1=2&3%4`;
    const wish = { desc: text, attach: ` ${text}`, "x-unknown": "", _empty: "" };
    const order = dataOf(await app.createOrder(wish));
    const view = dataOf(await app.order({ order_id: order.orderId }));
    expect(view).toMatchObject({ desc: text, attach: ` ${text}` });
    expect(await shop.sandbox.order(order.orderNumber)).toMatchObject({ body: text });
  });
});

it("raw text that could be read in two ways is refused", async (t) => {
  const { app } = await openShop(t);
  const raw = app.speaking({ body: "form", rendering: "raw text" });
  for (const attach of ["a&tag=b", "1+1", "100%25"]) {
    expect(await raw.createOrder({ attach })).toMatchObject({ code: 501 });
  }
});

it("a sign in capitals is a sign", async (t) => {
  const { app } = await openShop(t);
  const request = app.sign("/pay/create-order", USUAL_ORDER);
  const { sign = "" } = request.fields;
  const body = request.body.replace(sign, sign.toUpperCase());
  expect(await app.send({ ...request, body }, createdOrder)).toMatchObject({ code: 0 });
});

it("what was changed on the way is refused, and an unknown app is answered the same", async (t) => {
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

it("during a rotation both salts are good, afterwards the new one only", async (t) => {
  const shop = await openShop(t);
  const renewed = shop.appWith(await shop.admin.rotateSalt(shop.app.id, 3600));
  expect(await shop.app.createOrder()).toMatchObject({ code: 0 });
  expect(await renewed.createOrder()).toMatchObject({ code: 0 });
  const last = shop.appWith(await shop.admin.rotateSalt(shop.app.id, 0));
  expect(await shop.app.createOrder()).toMatchObject({ code: 501 });
  expect(await renewed.createOrder()).toMatchObject({ code: 501 });
  expect(await last.createOrder()).toMatchObject({ code: 0 });
});

it("a disabled app is refused, and served again once it is enabled", async (t) => {
  const { app, admin } = await openShop(t);
  await admin.changeApp(app.id, { enabled: false });
  expect(await app.createOrder()).toMatchObject({ code: 501 });
  await admin.changeApp(app.id, { enabled: true });
  expect(await app.createOrder()).toMatchObject({ code: 0 });
});
