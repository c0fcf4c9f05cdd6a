import { env } from "cloudflare:workers";
import { updateApp } from "../../src/db/apps.ts";
import { connect } from "../../src/db/database.ts";
import { forgetSettings } from "../../src/settings/settings.ts";
import { expect, test } from "vitest";
import { formOf, read, send, signed, type Answer, type Values } from "./gateway.ts";
import { makePaidOrder, type Made } from "./life.ts";
import { openWorld, type World } from "./world.ts";

/** One of the three endpoints, and a request that it would grant. */
export interface Endpoint {
  readonly path: string;
  /** The names of the parameters that it can't do without, `appId` and `sign` apart. */
  readonly required: readonly string[];
  readonly values: (made: Made) => Values;
}

/** Every table that an app's request may change. */
const TABLES = ["users", "orders", "refunds"];

/** All rows of all tables, to see that nothing has changed. */
async function rows(): Promise<unknown[]> {
  const found = await env.DB.batch(
    TABLES.map((table) => env.DB.prepare(`select * from ${table} order by id`)),
  );
  return found.map(({ results }) => results);
}

interface Scene extends World {
  readonly made: Made;
  readonly values: Values;
}

/** What is refused: how a request is made, and what the answer is about. */
interface Refusal {
  readonly title: string;
  readonly request: (scene: Scene) => RequestInit | Promise<RequestInit>;
  readonly code: 501 | 502;
  readonly about: RegExp;
}

function json(body: string, contentType = "application/json"): RequestInit {
  return { method: "POST", headers: { "content-type": contentType }, body };
}

function formText(body: string): RequestInit {
  return { ...formOf(new URLSearchParams()), body };
}

/** The refusals that every endpoint has in common. */
const REFUSALS: readonly Refusal[] = [
  ...["GET", "PUT", "DELETE", "PATCH", "OPTIONS"].map((method): Refusal => ({
    title: `the method ${method}`,
    request: () => ({ method }),
    code: 502,
    about: /^请求方法错误：.*POST/,
  })),
  {
    title: "a body without a content type",
    request: ({ shop, values }) => ({
      method: "POST",
      body: new TextEncoder().encode(signed(shop, values).toString()),
    }),
    code: 501,
    about: /Content-Type/,
  },
  {
    title: "a body of another content type",
    request: ({ shop, values }) => json(signed(shop, values).toString(), "text/plain"),
    code: 501,
    about: /Content-Type/,
  },
  {
    title: "multipart form data",
    request: ({ shop, values }) => {
      const body = new FormData();
      for (const [name, value] of signed(shop, values)) body.set(name, value);
      return { method: "POST", body };
    },
    code: 501,
    about: /Content-Type/,
  },
  { title: "malformed JSON", request: () => json('{"appId":1,'), code: 501, about: /JSON/ },
  { title: "JSON that is no object", request: () => json("[1]"), code: 501, about: /JSON/ },
  {
    title: "a nested JSON value",
    request: () => json('{"appId":1,"sign":"x","tag":{"a":1}}'),
    code: 501,
    about: /tag/,
  },
  {
    title: "a JSON null",
    request: () => json('{"appId":1,"sign":"x","tag":null}'),
    code: 501,
    about: /tag.*null/,
  },
  {
    title: "a parameter that comes twice",
    request: ({ shop, values }) =>
      formText(`${signed(shop, values).toString()}&appId=${shop.appId}`),
    code: 501,
    about: /appId.*重复/,
  },
  {
    title: "a JSON name that comes twice",
    request: ({ shop }) => json(`{"appId":${shop.appId},"appId":${shop.appId},"sign":"x"}`),
    code: 501,
    about: /appId.*重复/,
  },
  {
    title: "a parameter name in brackets",
    request: () => formText("appId=1&a%5B%5D=1"),
    code: 501,
    about: /参数名/,
  },
  {
    title: "an escape that isn't UTF-8",
    request: () => formText("appId=1&desc=%B2%E2&sign=x"),
    code: 501,
    about: /desc/,
  },
  {
    title: "a body beyond 64 KB",
    request: ({ shop, values }) => formOf(signed(shop, { ...values, pad: "x".repeat(65_536) })),
    code: 501,
    about: /64 KB/,
  },
  { title: "an empty body", request: () => formText(""), code: 501, about: /appId 必传/ },
  {
    title: "no sign",
    request: ({ shop, values }) => {
      const parameters = signed(shop, values);
      parameters.delete("sign");
      return formOf(parameters);
    },
    code: 501,
    about: /sign 必传/,
  },
  {
    title: "a sign of another form",
    request: ({ shop, values }) => {
      const parameters = signed(shop, values);
      parameters.set("sign", "zz");
      return formOf(parameters);
    },
    code: 501,
    about: /sign/,
  },
  {
    title: "a sign with another salt",
    request: ({ shop, values }) => formOf(signed({ ...shop, salt: "another-salt-of-app" }, values)),
    code: 501,
    about: /sign/,
  },
  {
    title: "a parameter added after signing",
    request: ({ shop, values }) => formText(`${signed(shop, values).toString()}&extra=1`),
    code: 501,
    about: /sign/,
  },
  {
    title: "an app id that is no number",
    request: ({ shop, values }) => formOf(signed(shop, { ...values, appId: "one" })),
    code: 501,
    about: /appId/,
  },
  {
    title: "a disabled app",
    request: async ({ shop, values }) => {
      await updateApp(connect(env.DB), shop.appId, { enabled: false }, Date.now());
      forgetSettings();
      return formOf(signed(shop, values));
    },
    code: 501,
    about: /appId.*停用/,
  },
];

/** The tests that every endpoint must pass. */
export function refusesWhatAllRefuse({ path, required, values }: Endpoint): void {
  async function scene(): Promise<Scene> {
    const world = await openWorld();
    const made = await makePaidOrder(world);
    return { ...world, made, values: values(made) };
  }

  /** Posts, and asserts that nothing has come of it. */
  async function refused(init: RequestInit, { wechat }: World): Promise<Answer> {
    const before = await rows();
    const calls = wechat.calls.length;
    const answer = await read(await send(path, init));
    expect(await rows()).toEqual(before);
    expect(wechat.calls).toHaveLength(calls);
    expect(answer).toMatchObject({ status: 200, data: null });
    expect(answer.requestId).toMatch(/^[0-9a-f-]{36}$/);
    return answer;
  }

  test.for(REFUSALS.map((refusal) => [refusal.title, refusal] as const))(
    "refuses %s",
    async ([, { request, code, about }]) => {
      const here = await scene();
      const answer = await refused(await request(here), here);
      expect(answer.code).toBe(code);
      expect(answer.errmsg).toMatch(code === 502 ? /^请求方法错误：/ : /^提交上来的参数错误：/);
      expect(answer.errmsg).toMatch(about);
    },
  );

  test.for(required)("refuses a request without %s, and one where it is empty", async (name) => {
    const here = await scene();
    const { [name]: _left, ...rest } = here.values;
    for (const broken of [rest, { ...rest, [name]: "" }]) {
      const answer = await refused(formOf(signed(here.shop, broken)), here);
      expect(answer).toMatchObject({ code: 501, errmsg: expect.stringContaining(`${name} 必传`) });
    }
  });

  test("answers an unknown app and a wrong sign alike", async () => {
    const here = await scene();
    const unknown = { appId: 999_999, salt: here.shop.salt };
    const wrong = { appId: here.shop.appId, salt: "another-salt-of-app" };
    const one = await refused(formOf(signed(unknown, here.values)), here);
    const other = await refused(formOf(signed(wrong, here.values)), here);
    expect(one.text).toBe(other.text);
  });

  test("grants the request that all the refused ones were made from", async () => {
    const here = await scene();
    const init = formOf(signed(here.shop, { ...here.values, unknown: "参数" }));
    expect((await read(await send(path, init))).code).toBe(0);
  });
}
