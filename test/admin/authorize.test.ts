import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { sendAdmin, pageIn } from "./support.ts";

const warnings = vi.spyOn(console, "warn").mockReturnValue();
beforeEach(() => {
  warnings.mockClear();
});

describe("admin authorization", () => {
  test.for<[string, string]>([
    ["no Authorization", ""],
    ["another token", "Bearer another-admin-token"],
    ["a prefix of the token", `Bearer ${env.ADMIN_TOKEN.slice(0, -1)}`],
    ["the token and one more character", `Bearer ${env.ADMIN_TOKEN}x`],
    ["the token in upper case", `Bearer ${env.ADMIN_TOKEN.toUpperCase()}`],
    ["the token without a scheme", env.ADMIN_TOKEN],
    ["an empty token", "Bearer "],
    ["another scheme", `Basic ${btoa(`admin:${env.ADMIN_TOKEN}`)}`],
  ])("answers every path with 401 on %s", async ([, authorization]) => {
    for (const path of ["/admin/merchants", "/admin/apps/1", "/admin/no-such-path"]) {
      const answer = await sendAdmin("GET", path, { headers: { authorization } });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="admin"');
      expect(answer.json).toEqual({
        error: {
          code: "unauthorized",
          message: "Authorization: Bearer with the ADMIN_TOKEN is required.",
          fields: [],
        },
      });
    }
  });

  test("writes nothing without the token and logs the attempt without the token tried", async () => {
    const authorization = "Bearer a-token-someone-tried";
    const body = { name: "x", mchId: "1900000109", protocol: "v2", apiKey: "k".repeat(32) };
    await sendAdmin("POST", "/admin/merchants", { body, headers: { authorization } });
    expect(pageIn(await sendAdmin("GET", "/admin/merchants")).ids).toEqual([]);
    expect(warnings.mock.calls).toEqual([
      [
        '{"level":"warn","event":"admin_refused","requestId":"request-of-a-test","path":"/admin/merchants"}',
      ],
    ]);
  });
});

test("admin authorization accepts the token with any capitalisation of Bearer", async () => {
  for (const scheme of ["Bearer", "bearer", "BEARER"]) {
    const authorization = `${scheme} ${env.ADMIN_TOKEN}`;
    expect((await sendAdmin("GET", "/admin/apps", { headers: { authorization } })).status).toBe(
      200,
    );
  }
});
