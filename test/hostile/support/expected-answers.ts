import * as z from "zod";

/** The gateway's answer to a request. */
export interface ReceivedAnswer {
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

const appError = (code: keyof typeof CONTRACT_TEXTS) =>
  z.strictObject({
    code: z.literal(code),
    errmsg: z.string().startsWith(`${CONTRACT_TEXTS[code]}：`),
    data: z.null(),
  });

const appData = z.strictObject({
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

const adminData = z.record(z.string(), z.unknown()).refine((body) => !("error" in body));

const v3Failure = (message: string) =>
  z.strictObject({ code: z.literal("FAIL"), message: z.literal(message) });

const v2Texts = (code: "SUCCESS" | "FAIL", ...messages: readonly string[]) =>
  messages.map(
    (message) =>
      `<xml><return_code><![CDATA[${code}]]></return_code><return_msg><![CDATA[${message}]]></return_msg></xml>`,
  );

/** Every documented answer: its status, and the schema or the possible texts of its body. */
const EXPECTED = {
  // The three endpoints (docs/integrate: codes).
  "app 0": [200, appData],
  "app 501": [200, appError(501)],
  "app 502": [200, appError(502)],
  "app 503": [200, appError(503)],
  "no such path": [404, appError(501)],
  // Notifications of WeChat.
  "v2 acknowledged": [200, v2Texts("SUCCESS", "OK")],
  "v2 not authentic": [200, v2Texts("FAIL", "not authentic")],
  "v2 not accepted": [200, v2Texts("FAIL", "not accepted")],
  "v2 not confirmed": [200, v2Texts("FAIL", "not confirmed yet")],
  "v2 too large": [200, v2Texts("FAIL", "too large")],
  "v2 broken off": [200, v2Texts("FAIL", "broken off")],
  "v2 try again": [200, v2Texts("FAIL", "try again later")],
  "v3 acknowledged": [204, [""]],
  "v3 not authentic": [401, v3Failure("not authentic")],
  "v3 not accepted": [400, v3Failure("not accepted")],
  "v3 not confirmed": [503, v3Failure("not confirmed yet")],
  "v3 try again": [503, v3Failure("try again later")],
  "v3 too large": [413, v3Failure("too large")],
  "v3 broken off": [400, v3Failure("broken off")],
  // The back-office.
  "admin 200": [200, adminData],
  "admin 201": [201, adminData],
  "admin 202": [202, adminData],
  "admin 400": [400, adminError("invalid")],
  "admin 401": [401, adminError("unauthorized")],
  "admin 404": [404, adminError("not_found")],
  "admin 409": [409, adminError("conflict")],
  "admin 500": [500, adminError("internal")],
  unhealthy: [503, z.strictObject({ ok: z.literal(false), faults: z.array(z.string()) })],
  // Earlier cases may have opened an incident about a merchant, which it warns of.
  health: [200, z.strictObject({ ok: z.literal(true), warnings: z.array(z.string()).optional() })],
} as const satisfies Record<string, readonly [number, z.ZodType | readonly string[]]>;

export type ExpectedAnswer = keyof typeof EXPECTED;

/** Internals that no answer may show: a stack, a source path, SQL, an error of a library or the platform. */
const INTERNALS =
  /\n\s+at |\w\.[jt]s:\d|\bselect "|\binsert into "|\bupdate "|D1_ERROR|SQLITE_|drizzle|Failed query|(Type|Range|Syntax|Reference)Error|Zod|MASTER_KEY|_sealed|\bk\d\.[0-9a-f]{8}\.|node_modules|internal error; reference/;

/** Describes how an answer differs from the expected one. */
export function problemsOf(
  received: ReceivedAnswer,
  expected: ExpectedAnswer,
  textPattern?: RegExp,
): string[] {
  const { method, status, headers, text } = received;
  const [expectedStatus, body] = EXPECTED[expected];
  const problems: string[] = [];
  if (status !== expectedStatus)
    problems.push(`HTTP ${status} instead of ${expected}: ${head(text)}`);
  else if (method === "HEAD") {
    if (text !== "") problems.push("a body in the answer to HEAD");
  } else if (!matches(text, body)) problems.push(`not the body of ${expected}: ${head(text)}`);
  if (textPattern !== undefined && !textPattern.test(text)) {
    problems.push(`does not match ${textPattern}: ${head(text)}`);
  }
  if (INTERNALS.test(text)) problems.push(`shows internals: ${head(text)}`);
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(headers.get("x-request-id") ?? "")) {
    problems.push("no X-Request-Id");
  }
  if (headers.get("strict-transport-security") !== "max-age=31536000") {
    problems.push("no Strict-Transport-Security");
  }
  if (expected.startsWith("admin") && headers.get("cache-control") !== "no-store") {
    problems.push("may be cached");
  }
  const type = headers.get("content-type") ?? "";
  const expectedType = Array.isArray(body) ? /^(text\/xml; charset=utf-8)?$/ : /^application\/json/;
  if (!expectedType.test(type)) problems.push(`has the type ${type}`);
  return problems;
}

function matches(text: string, body: z.ZodType | readonly string[]): boolean {
  return body instanceof z.ZodType ? body.safeParse(json(text)).success : body.includes(text);
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
