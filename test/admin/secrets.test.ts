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

// Captures every level of the log during the scenario below.
const spies = (["info", "warn", "error", "log", "debug"] as const).map((level) =>
  vi.spyOn(console, level).mockReturnValue(),
);
const NEW_KEY = "another-key-of-32-characters-lon";
const EXISTING_SALT = "the-salt-an-existing-app-signs-with";

const secrets = new Map<string, string>();
const later: AdminResponse[] = [];
const refused: AdminResponse[] = [];
let logged = "";

const keep = (name: string, secret: string) => secrets.set(name, secret);

beforeAll(async () => {
  keep("api key", API_KEY);
  keep("new api key", NEW_KEY);
  keep("existing salt", EXISTING_SALT);
  const registered = await sendAdmin("POST", "/admin/merchants", { body: merchantBody() });
  const merchant = `/admin/merchants/${fieldOf(registered, "id")}`;
  const input = { ...appBody(Number(fieldOf(registered, "id"))) };
  const created = await sendAdmin("POST", "/admin/apps", { body: input });
  const app = `/admin/apps/${fieldOf(created, "id")}`;
  keep("created salt", fieldOf(created, "salt"));
  keep("created webhook secret", fieldOf(created, "webhookSecret"));
  const withSalt = await sendAdmin("POST", "/admin/apps", {
    body: { ...input, salt: EXISTING_SALT },
  });
  keep("webhook secret", fieldOf(withSalt, "webhookSecret"));

  const body = { overlapSeconds: 3600 };
  const salt = await sendAdmin("POST", `${app}/rotate-salt`, { body });
  keep("rotated salt", fieldOf(salt, "salt"));
  const staged = await sendAdmin("POST", `${app}/stage-salt`, { body: {} });
  keep("staged salt", fieldOf(staged, "salt"));
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
  // Requests with secrets that are refused or fail.
  const apiKey = `${API_KEY}-and-more`;
  const tooLong = `${EXISTING_SALT} with blanks`;
  refused.push(
    await sendAdmin("POST", "/admin/merchants", { body: { ...merchantBody(), apiKey } }),
    await sendAdmin("POST", "/admin/merchants", { body: { ...merchantBody(), apiKey: [API_KEY] } }),
    await sendAdmin("POST", "/admin/merchants", { raw: `{"apiKey":"${API_KEY}"` }),
    await sendAdmin("PATCH", merchant, { body: { apiKey } }),
    await sendAdmin("POST", "/admin/apps", { body: { ...input, salt: tooLong } }),
    await sendAdmin("POST", "/admin/apps", { body: { ...input, salt: { salt: EXISTING_SALT } } }),
    await sendAdmin("PATCH", app, { body: { salt: EXISTING_SALT } }),
  );
  failNextQuery();
  refused.push(await sendAdmin("POST", "/admin/merchants", { body: merchantBody() }));
  logged = spies.flatMap((spy) => spy.mock.calls.flat().map(String)).join("\n");
});

test("I9: admin secrets scenario gets the expected statuses", () => {
  expect(later.map((answer) => answer.status)).toEqual([201, 200, 200, 200, 200, 200, 200]);
  expect(refused.map((answer) => answer.status)).toEqual([400, 400, 400, 400, 400, 400, 400, 500]);
  expect(new Set(secrets.values()).size).toBe(9);
});

test("I9: admin responses return a secret only when it is created", () => {
  for (const { text } of [...later, ...refused]) {
    for (const [name, secret] of secrets) expect(text, name).not.toContain(secret);
    expect(text).not.toContain("k1.");
    expect(text).not.toMatch(/sealed/i);
  }
});

test("I9: D1 contains no secret in plain text", async () => {
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
  expect(sealed).toHaveLength(8);
  for (const [, value] of sealed) expect(value).toMatch(/^k1\.[0-9a-f]{8}\.[\w-]{16}\.[\w-]+$/);
});

test("I9: the log records each change without any secret, token or master key", () => {
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
