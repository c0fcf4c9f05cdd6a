import * as z from "zod";

/** An answer as it came. */
export interface Heard {
  readonly method: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const CONTRACT_TEXTS = {
  501: "提交上来的参数错误",
  502: "请求方法错误",
  503: "服务器端运行错误",
} as const;

const refused = (code: keyof typeof CONTRACT_TEXTS) =>
  z.strictObject({
    code: z.literal(code),
    errmsg: z.string().startsWith(`${CONTRACT_TEXTS[code]}：`),
    data: z.null(),
  });

const granted = z.strictObject({
  code: z.literal(0),
  errmsg: z.null(),
  data: z.record(z.string(), z.unknown()),
});

const adminError = (code: string) =>
  z.strictObject({
    error: z.strictObject({
      code: z.literal(code),
      message: z.string().min(1),
      fields: z.array(z.strictObject({ path: z.string(), message: z.string().min(1) })),
    }),
  });

const adminGrant = z.record(z.string(), z.unknown()).refine((body) => !("error" in body));

const told = (message: string) =>
  z.strictObject({ code: z.literal("FAIL"), message: z.literal(message) });

const xml = (code: "SUCCESS" | "FAIL", ...messages: readonly string[]) =>
  messages.map(
    (message) =>
      `<xml><return_code><![CDATA[${code}]]></return_code><return_msg><![CDATA[${message}]]></return_msg></xml>`,
  );

/** Every answer that any route has declared: the status, and the body's shape or its few texts. */
const DECLARED = {
  // The three endpoints (README, "Codes").
  "app 0": [200, granted],
  "app 501": [200, refused(501)],
  "app 502": [200, refused(502)],
  "app 503": [200, refused(503)],
  "no such path": [404, refused(501)],
  // WeChat's notifications.
  "v2 acknowledged": [200, xml("SUCCESS", "OK")],
  "v2 not authentic": [200, xml("FAIL", "not authentic")],
  "v2 not accepted": [200, xml("FAIL", "not accepted")],
  "v2 not confirmed": [200, xml("FAIL", "not confirmed yet")],
  "v2 too large": [200, xml("FAIL", "too large")],
  "v2 broken off": [200, xml("FAIL", "broken off")],
  "v2 try again": [200, xml("FAIL", "try again later")],
  "v3 acknowledged": [204, [""]],
  "v3 not authentic": [401, told("not authentic")],
  "v3 not accepted": [400, told("not accepted")],
  "v3 not confirmed": [503, told("not confirmed yet")],
  "v3 try again": [503, told("try again later")],
  "v3 too large": [413, told("too large")],
  "v3 broken off": [400, told("broken off")],
  // The back-office.
  "admin 200": [200, adminGrant],
  "admin 201": [201, adminGrant],
  "admin 202": [202, adminGrant],
  "admin 400": [400, adminError("invalid")],
  "admin 401": [401, adminError("unauthorized")],
  "admin 404": [404, adminError("not_found")],
  "admin 409": [409, adminError("conflict")],
  "admin 500": [500, adminError("internal")],
  unhealthy: [503, z.strictObject({ ok: z.literal(false), faults: z.array(z.string()) })],
  health: [200, z.strictObject({ ok: z.literal(true) })],
} as const satisfies Record<string, readonly [number, z.ZodType | readonly string[]]>;

export type Outcome = keyof typeof DECLARED;

/** What no answer may hold: a stack, a path of the source, SQL, a library's or the platform's error. */
const INSIDES =
  /\n\s+at |\w\.[jt]s:\d|\bselect "|\binsert into "|\bupdate "|D1_ERROR|SQLITE_|drizzle|Failed query|(Type|Range|Syntax|Reference)Error|Zod|MASTER_KEY|_sealed|\bk\d\.[0-9a-f]{8}\.|node_modules|internal error; reference/;

/** What is wrong with an answer, given which one was declared. */
export function faultsOf(heard: Heard, declared: Outcome, about?: RegExp): string[] {
  const { method, status, headers, text } = heard;
  const [expectedStatus, shape] = DECLARED[declared];
  const faults: string[] = [];
  if (status !== expectedStatus)
    faults.push(`HTTP ${status} instead of ${declared}: ${head(text)}`);
  else if (method === "HEAD") {
    if (text !== "") faults.push("a body in the answer to HEAD");
  } else if (!fits(text, shape)) faults.push(`not ${declared}: ${head(text)}`);
  if (about !== undefined && !about.test(text)) faults.push(`not about ${about}: ${head(text)}`);
  if (INSIDES.test(text)) faults.push(`shows its insides: ${head(text)}`);
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(headers.get("x-request-id") ?? "")) {
    faults.push("no X-Request-Id");
  }
  if (declared.startsWith("admin") && headers.get("cache-control") !== "no-store") {
    faults.push("may be kept by a cache");
  }
  const type = headers.get("content-type") ?? "";
  const expectedType = Array.isArray(shape)
    ? /^(text\/xml; charset=utf-8)?$/
    : /^application\/json/;
  if (!expectedType.test(type)) faults.push(`answered as ${type}`);
  return faults;
}

function fits(text: string, shape: z.ZodType | readonly string[]): boolean {
  return shape instanceof z.ZodType ? shape.safeParse(json(text)).success : shape.includes(text);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function head(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
