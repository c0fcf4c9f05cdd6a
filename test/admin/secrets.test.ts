import { env } from "cloudflare:workers";
import { beforeAll, expect, test, vi } from "vitest";
import {
  API_KEY,
  appBody,
  sendAdmin,
  failNextQuery,
  fieldOf,
  merchantBody,
  type AdminResponse,
} from "./support.ts";

// What each level of the log was given while the life below was lived.
const spies = (["info", "warn", "error", "log", "debug"] as const).map((level) =>
  vi.spyOn(console, level).mockReturnValue(),
);
const NEW_KEY = "another-key-of-32-characters-lon";
const GIVEN_SALT = "the-salt-an-existing-app-signs-with";

const secrets = new Map<string, string>();
const later: AdminResponse[] = [];
const refused: AdminResponse[] = [];
let logged = "";

const keep = (name: string, secret: string) => secrets.set(name, secret);

beforeAll(async () => {
  keep("api key", API_KEY);
  keep("new api key", NEW_KEY);
  keep("given salt", GIVEN_SALT);
  const registered = await sendAdmin("POST", "/admin/merchants", { body: merchantBody() });
  const merchant = `/admin/merchants/${fieldOf(registered, "id")}`;
  const asked = { ...appBody(Number(fieldOf(registered, "id"))) };
  const order = await sendAdmin("POST", "/admin/apps", { body: asked });
  const app = `/admin/apps/${fieldOf(order, "id")}`;
  keep("made salt", fieldOf(order, "salt"));
  keep("made webhook secret", fieldOf(order, "webhookSecret"));
  const withSalt = await sendAdmin("POST", "/admin/apps", { body: { ...asked, salt: GIVEN_SALT } });
  keep("webhook secret", fieldOf(withSalt, "webhookSecret"));

  const body = { overlapSeconds: 3600 };
  const salt = await sendAdmin("POST", `${app}/rotate-salt`, { body });
  keep("rotated salt", fieldOf(salt, "salt"));
  const webhookSecret = await sendAdmin("POST", `${app}/rotate-webhook-secret`, { body });
  keep("rotated webhook secret", fieldOf(webhookSecret, "webhookSecret"));

  later.push(
    registered,
    await sendAdmin("PATCH", merchant, { body: { apiKey: NEW_KEY } }),
    await sendAdmin("GET", merchant),
    await sendAdmin("GET", "/admin/merchants"),
    await sendAdmin("PATCH", app, { body: { name: "Renamed" } }),
    await sendAdmin("GET", app),
    await sendAdmin("GET", "/admin/apps"),
  );
  // Requests that carry secrets and are refused, or fail.
  const apiKey = `${API_KEY}-and-more`;
  const tooLong = `${GIVEN_SALT} with blanks`;
  refused.push(
    await sendAdmin("POST", "/admin/merchants", { body: { ...merchantBody(), apiKey } }),
    await sendAdmin("POST", "/admin/merchants", { body: { ...merchantBody(), apiKey: [API_KEY] } }),
    await sendAdmin("POST", "/admin/merchants", { raw: `{"apiKey":"${API_KEY}"` }),
    await sendAdmin("PATCH", merchant, { body: { apiKey } }),
    await sendAdmin("POST", "/admin/apps", { body: { ...asked, salt: tooLong } }),
    await sendAdmin("POST", "/admin/apps", { body: { ...asked, salt: { salt: GIVEN_SALT } } }),
    await sendAdmin("PATCH", app, { body: { salt: GIVEN_SALT } }),
  );
  failNextQuery();
  refused.push(await sendAdmin("POST", "/admin/merchants", { body: merchantBody() }));
  logged = spies.flatMap((spy) => spy.mock.calls.flat().map(String)).join("\n");
});

test("the life that is looked at went as meant", () => {
  expect(later.map((answer) => answer.status)).toEqual([201, 200, 200, 200, 200, 200, 200]);
  expect(refused.map((answer) => answer.status)).toEqual([400, 400, 400, 400, 400, 400, 400, 500]);
  expect(new Set(secrets.values()).size).toBe(8);
});

test("no answer but the one that made it shows a secret, sealed or not", () => {
  for (const { text } of [...later, ...refused]) {
    for (const [name, secret] of secrets) expect(text, name).not.toContain(secret);
    expect(text).not.toContain("k1.");
    expect(text).not.toMatch(/sealed/i);
  }
});

test("no secret is plain in D1", async () => {
  const rows = [
    ...(await env.DB.prepare("select * from merchants").all()).results,
    ...(await env.DB.prepare("select * from apps").all()).results,
  ];
  expect(rows).toHaveLength(3);
  const stored = JSON.stringify(rows);
  for (const [name, secret] of secrets) expect(stored, name).not.toContain(secret);
  const sealed = rows.flatMap((row) =>
    Object.entries(row).filter(([column, value]) => column.endsWith("_sealed") && value !== null),
  );
  expect(sealed).toHaveLength(7);
  for (const [, value] of sealed) expect(value).toMatch(/^k1\.[0-9a-f]{8}\.[\w-]{16}\.[\w-]+$/);
});

test("no secret, token or master key is in the log, which tells of each change", () => {
  for (const [name, secret] of secrets) expect(logged, name).not.toContain(secret);
  for (const secret of [env.ADMIN_TOKEN, env.MASTER_KEY]) expect(logged).not.toContain(secret);
  expect(logged).not.toContain("k1.");
  for (const event of [
    '"event":"merchant_created"',
    '"event":"merchant_changed","requestId":"request-of-a-test","merchantId":1,"fields":"apiKey"',
    '"event":"app_created"',
    '"event":"app_changed"',
    '"event":"app_secret_rotated"',
    '"event":"admin_failed"',
  ]) {
    expect(logged).toContain(event);
  }
});
