import { env } from "cloudflare:workers";
import { updateApp } from "../../src/db/apps.ts";
import { connect } from "../../src/db/database.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { expect, test } from "vitest";
import { formOf, read, send, signed, type Answer, type Values } from "./gateway.ts";
import { makePaidOrder, type OrderRef } from "./scenario.ts";
import { openScene, type Scene } from "./scene.ts";

/** An endpoint and a request that it accepts. */
export interface Endpoint {
  readonly path: string;
  /** The required parameters besides `appId` and `sign`. */
  readonly required: readonly string[];
  readonly values: (order: OrderRef) => Values;
}

/** The tables that an app's request can change. */
const TABLES = ["users", "orders", "refunds"];

/** All rows of these tables, to check that nothing changed. */
async function dumpTables(): Promise<unknown[]> {
  const found = await env.DB.batch(
    TABLES.map((table) => env.DB.prepare(`select * from ${table} order by id`)),
  );
  return found.map(({ results }) => results);
}

interface PaidScene extends Scene {
  readonly order: OrderRef;
  readonly values: Values;
}

/** A request that every endpoint refuses, and the refusal. */
interface Refusal {
  readonly title: string;
  readonly request: (scene: PaidScene) => RequestInit | Promise<RequestInit>;
  readonly code: 501 | 502;
  readonly errmsg: RegExp;
}

function json(body: string, contentType = "application/json"): RequestInit {
  return { method: "POST", headers: { "content-type": contentType }, body };
}

function formText(body: string): RequestInit {
  return { ...formOf(new URLSearchParams()), body };
}

/** The refusals common to all endpoints. */
const REFUSALS: readonly Refusal[] = [
  ...["GET", "PUT", "DELETE", "PATCH", "OPTIONS"].map((method): Refusal => ({
    title: `the method ${method}`,
    request: () => ({ method }),
    code: 502,
    errmsg: /^请求方法错误：.*POST/,
  })),
  {
    title: "a body without a content type",
    request: ({ shop, values }) => ({
      method: "POST",
      body: new TextEncoder().encode(signed(shop, values).toString()),
    }),
    code: 501,
    errmsg: /Content-Type/,
  },
  {
    title: "a body of another content type",
    request: ({ shop, values }) => json(signed(shop, values).toString(), "text/plain"),
    code: 501,
    errmsg: /Content-Type/,
  },
  {
    title: "multipart form data",
    request: ({ shop, values }) => {
      const body = new FormData();
      for (const [name, value] of signed(shop, values)) body.set(name, value);
      return { method: "POST", body };
    },
    code: 501,
    errmsg: /Content-Type/,
  },
  { title: "malformed JSON", request: () => json('{"appId":1,'), code: 501, errmsg: /JSON/ },
  { title: "JSON that isn't an object", request: () => json("[1]"), code: 501, errmsg: /JSON/ },
  {
    title: "a nested JSON value",
    request: () => json('{"appId":1,"sign":"x","tag":{"a":1}}'),
    code: 501,
    errmsg: /tag/,
  },
  {
    title: "a JSON null",
    request: () => json('{"appId":1,"sign":"x","tag":null}'),
    code: 501,
    errmsg: /tag.*null/,
  },
  {
    title: "a repeated parameter",
    request: ({ shop, values }) =>
      formText(`${signed(shop, values).toString()}&appId=${shop.appId}`),
    code: 501,
    errmsg: /appId.*重复/,
  },
  {
    title: "a repeated JSON name",
    request: ({ shop }) => json(`{"appId":${shop.appId},"appId":${shop.appId},"sign":"x"}`),
    code: 501,
    errmsg: /appId.*重复/,
  },
  {
    title: "a parameter name in brackets",
    request: () => formText("appId=1&a%5B%5D=1"),
    code: 501,
    errmsg: /参数名/,
  },
  {
    title: "an escape that isn't UTF-8",
    request: () => formText("appId=1&desc=%B2%E2&sign=x"),
    code: 501,
    errmsg: /desc/,
  },
  {
    title: "a body over 16 KB",
    request: ({ shop, values }) => formOf(signed(shop, { ...values, pad: "x".repeat(16_384) })),
    code: 501,
    errmsg: /16 KB/,
  },
  { title: "an empty body", request: () => formText(""), code: 501, errmsg: /appId 必传/ },
  {
    title: "a request without sign",
    request: ({ shop, values }) => {
      const parameters = signed(shop, values);
      parameters.delete("sign");
      return formOf(parameters);
    },
    code: 501,
    errmsg: /sign 必传/,
  },
  {
    title: "a malformed sign",
    request: ({ shop, values }) => {
      const parameters = signed(shop, values);
      parameters.set("sign", "zz");
      return formOf(parameters);
    },
    code: 501,
    errmsg: /sign/,
  },
  {
    title: "a sign made with another salt",
    request: ({ shop, values }) => formOf(signed({ ...shop, salt: "another-salt-of-app" }, values)),
    code: 501,
    errmsg: /sign/,
  },
  {
    title: "a parameter added after signing",
    request: ({ shop, values }) => formText(`${signed(shop, values).toString()}&extra=1`),
    code: 501,
    errmsg: /sign/,
  },
  {
    title: "a form with a callback's event and eventId, rightly signed",
    request: ({ shop, values }) =>
      formOf(signed(shop, { ...values, event: "pay", eventId: "pay_1" })),
    code: 501,
    errmsg: /event 与 eventId/,
  },
  {
    title: "JSON with a callback's event and eventId, rightly signed",
    request: ({ shop, values }) =>
      json(
        JSON.stringify(
          Object.fromEntries(signed(shop, { ...values, event: "", eventId: "refund_1" })),
        ),
      ),
    code: 501,
    errmsg: /event 与 eventId/,
  },
  {
    title: "an appId that isn't a number",
    request: ({ shop, values }) => formOf(signed(shop, { ...values, appId: "one" })),
    code: 501,
    errmsg: /appId/,
  },
  {
    title: "a disabled app",
    request: async ({ shop, values }) => {
      await updateApp(connect(env.DB), shop.appId, { enabled: false }, Date.now());
      forgetSettings();
      return formOf(signed(shop, values));
    },
    code: 501,
    errmsg: /appId.*停用/,
  },
];

/** Declares the tests that every endpoint must pass. */
export function testCommonRefusals({ path, required, values }: Endpoint): void {
  async function openPaidScene(): Promise<PaidScene> {
    const scene = await openScene();
    const order = await makePaidOrder(scene);
    return { ...scene, order, values: values(order) };
  }

  /** Posts the request and asserts that it is refused and changes nothing. */
  async function postRefused(init: RequestInit, { wechat }: Scene): Promise<Answer> {
    const before = await dumpTables();
    const calls = wechat.calls.length;
    const answer = await read(await send(path, init));
    expect(await dumpTables()).toEqual(before);
    expect(wechat.calls).toHaveLength(calls);
    expect(answer).toMatchObject({ status: 200, data: null });
    expect(answer.requestId).toMatch(/^[0-9a-f-]{36}$/);
    return answer;
  }

  test.for(REFUSALS.map((refusal) => [refusal.title, refusal] as const))(
    "refuses %s",
    async ([, { request, code, errmsg }]) => {
      const scene = await openPaidScene();
      const answer = await postRefused(await request(scene), scene);
      expect(answer.code).toBe(code);
      expect(answer.errmsg).toMatch(code === 502 ? /^请求方法错误：/ : /^提交上来的参数错误：/);
      expect(answer.errmsg).toMatch(errmsg);
    },
  );

  test.for(required)("refuses a request whose %s is absent or empty", async (name) => {
    const scene = await openPaidScene();
    const { [name]: _removed, ...rest } = scene.values;
    for (const changed of [rest, { ...rest, [name]: "" }]) {
      const answer = await postRefused(formOf(signed(scene.shop, changed)), scene);
      expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining(`${name} 必传`) });
    }
  });

  test("gives an unknown app and a wrong sign the same response", async () => {
    const scene = await openPaidScene();
    const unknown = { appId: 999_999, salt: scene.shop.salt };
    const wrong = { appId: scene.shop.appId, salt: "another-salt-of-app" };
    const a = await postRefused(formOf(signed(unknown, scene.values)), scene);
    const b = await postRefused(formOf(signed(wrong, scene.values)), scene);
    expect(a.text).toBe(b.text);
  });

  test("accepts the request from which the refused ones are derived", async () => {
    const scene = await openPaidScene();
    const init = formOf(signed(scene.shop, { ...scene.values, unknown: "参数" }));
    expect((await read(await send(path, init))).code).toBe(0);
  });

  test.for(["event", "eventId"])("accepts an unknown parameter %s by itself", async (name) => {
    const scene = await openPaidScene();
    const init = formOf(signed(scene.shop, { ...scene.values, [name]: "pay" }));
    expect((await read(await send(path, init))).code).toBe(0);
  });
}
