import { describe, expect, test, vi } from "vitest";
import {
  appBody,
  sendAdmin,
  failNextQuery,
  fieldErrors,
  fieldOf,
  merchantBody,
  createMerchant,
  pageIn,
} from "./support.ts";

const filled = (size: number) => JSON.stringify(merchantBody()).padEnd(size);
const message = (text: string) => ({ error: { code: "invalid", message: text, fields: [] } });

describe("admin body, refused unless a JSON object", () => {
  test.for<[string, string]>([
    ["malformed JSON", '{"name": '],
    ["an empty body", ""],
    ["text after the JSON", "{} x"],
    ["a form", "name=Shop&mchId=1900000109"],
  ])("refuses %s", async ([, raw]) => {
    const answer = await sendAdmin("POST", "/admin/merchants", { raw });
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toContain("application/json");
    expect(answer.json).toEqual(message("The body must be JSON in UTF-8."));
  });

  test("refuses invalid UTF-8", async () => {
    const raw = new Uint8Array([0x22, 0xff, 0x22]);
    const answer = await sendAdmin("POST", "/admin/merchants", { raw });
    expect([answer.status, answer.json]).toEqual([400, message("The body must be JSON in UTF-8.")]);
  });

  test.for(["[]", "null", '"text"', "1", "[{}]"])("refuses the JSON value %s", async (raw) => {
    const answer = await sendAdmin("POST", "/admin/merchants", { raw });
    expect([answer.status, answer.json]).toEqual([400, message("The body must be a JSON object.")]);
  });

  test.for(["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])(
    "refuses Content-Type %j, which a cross-origin page could send",
    async (contentType) => {
      const options = { body: merchantBody(), headers: { "content-type": contentType } };
      const answer = await sendAdmin("POST", "/admin/merchants", options);
      expect(answer.status).toBe(400);
      expect(answer.json).toEqual(message("The Content-Type must be application/json."));
    },
  );
});

test("admin body accepts a Content-Type with a charset", async () => {
  const headers = { "content-type": "Application/JSON; charset=utf-8" };
  const answer = await sendAdmin("POST", "/admin/merchants", { body: merchantBody(), headers });
  expect(answer.status).toBe(201);
});

test("admin body accepts 64 KB and refuses one byte more", async () => {
  expect((await sendAdmin("POST", "/admin/merchants", { raw: filled(65_536) })).status).toBe(201);
  const answer = await sendAdmin("POST", "/admin/merchants", { raw: filled(65_537) });
  expect(answer.status).toBe(400);
  expect(answer.json).toEqual(message("The body must have at most 65536 bytes."));
});

test("admin body: every unknown field is named", async () => {
  const body = { ...merchantBody(), colour: "red", "api-key": "x", enabled: true };
  expect(fieldErrors(await sendAdmin("POST", "/admin/merchants", { body }))).toEqual({
    colour: "is not a field of this request",
    "api-key": "is not a field of this request",
    enabled: "is not a field of this request",
  });
  const withProto = JSON.stringify(merchantBody()).replace("{", '{"__proto__":{"x":1},');
  const answer = await sendAdmin("POST", "/admin/merchants", { raw: withProto });
  expect([answer.status, fieldErrors(answer)]).toEqual([
    400,
    { ["__proto__"]: "is not a field of this request" },
  ]);
});

test.for(["/admin/merchants", "/admin/apps"])(
  "PATCH %s/:id refuses an empty object",
  async (path) => {
    const answer = await sendAdmin("PATCH", `${path}/1`, { body: {} });
    expect([answer.status, fieldErrors(answer)]).toEqual([
      400,
      { "": "must name a field to change" },
    ]);
  },
);

describe("admin lists", () => {
  test.for(["/admin/merchants", "/admin/apps"])("%s is paged by id", async (path) => {
    // Other test files share this database: only what is created here is paged.
    const before: number[] = [];
    for (let count = 0; count < 3; count++) {
      const merchantId = await createMerchant();
      const app = await sendAdmin("POST", "/admin/apps", { body: appBody(merchantId) });
      const created = path === "/admin/merchants" ? merchantId : Number(fieldOf(app, "id"));
      before.push(created - 1);
    }
    const start = Math.min(...before);
    const seen: number[] = [];
    let next: number | null = start;
    while (next !== null) {
      const answer = await sendAdmin("GET", `${path}?limit=2&cursor=${next}`);
      expect(answer.status).toBe(200);
      const page = pageIn(answer);
      expect(page.ids.length).toBeLessThanOrEqual(2);
      seen.push(...page.ids);
      next = page.nextCursor;
    }
    const all = pageIn(await sendAdmin("GET", `${path}?limit=100&cursor=${start}`));
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(seen).toEqual(all.ids);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(all.nextCursor).toBeNull();
  });

  test.for<[string, string, string]>([
    ["limit=0", "limit", "must be at least 1"],
    ["limit=101", "limit", "must be at most 100"],
    ["limit=ten", "limit", "must be a whole number"],
    ["cursor=-1", "cursor", "must be the nextCursor of an earlier response"],
    ["cursor=1e3", "cursor", "must be the nextCursor of an earlier response"],
    ["page=2", "page", "is not a field of this request"],
  ])("refuse ?%s", async ([query, path, fault]) => {
    for (const list of ["/admin/merchants", "/admin/apps"]) {
      const answer = await sendAdmin("GET", `${list}?${query}`);
      expect([answer.status, fieldErrors(answer)]).toEqual([400, { [path]: fault }]);
    }
  });
});

describe("admin routes, 404 in the common shape", () => {
  test.for<[string, string]>([
    ["GET", "/admin"],
    ["GET", "/admin/no-such-path"],
    ["DELETE", "/admin/merchants/1"],
    ["PUT", "/admin/apps/1"],
    ["GET", "/admin/merchants/0"],
    ["GET", "/admin/merchants/abc"],
    ["GET", "/admin/apps/1.5"],
    ["GET", "/admin/apps/99999999999999999999"],
    ["GET", "/admin/merchants/999999"],
    ["GET", "/admin/apps/999999"],
  ])("%s %s", async ([method, path]) => {
    const answer = await sendAdmin(method, path);
    expect(answer.status).toBe(404);
    expect(answer.json).toMatchObject({ error: { code: "not_found", fields: [] } });
  });
});

test("admin responses all have cache-control no-store", async () => {
  for (const path of ["/admin/apps", "/admin/apps/999999", "/admin/no-such-path"]) {
    expect((await sendAdmin("GET", path)).headers.get("cache-control")).toBe("no-store");
  }
});

test("admin routes answer a D1 fault with a 500 that contains only the request id", async () => {
  const errors = vi.spyOn(console, "error").mockReturnValue();
  failNextQuery();
  const answer = await sendAdmin("GET", "/admin/merchants");
  expect(answer.status).toBe(500);
  expect(answer.json).toEqual({
    error: {
      code: "internal",
      message: "The gateway failed; see its log under request request-of-a-test.",
      fields: [],
    },
  });
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(errors.mock.calls.join()).toContain("admin_failed");
});
