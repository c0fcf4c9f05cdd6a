import { problem, type Problem } from "./answers.ts";

/** The headers of a request that WeChat looks at, by their names in lower case. */
export const READ_HEADERS = [
  "accept",
  "accept-language",
  "authorization",
  "content-type",
  "user-agent",
  "wechatpay-serial",
] as const;
export type Headers3 = { readonly [Name in (typeof READ_HEADERS)[number]]?: string };

const LANGUAGES = new Set(["en", "zh-CN", "zh-HK", "zh-TW"]);
const JSON_RANGES = new Set(["application/json", "application/*", "*/*"]);

/**
 * What is wrong with the headers of a request, but for its signature; undefined when nothing is.
 * WeChat docs: APIv3, "basic rules". What `fetch` says by itself, `Accept-Language: *`, is refused
 * with 406 by WeChat too.
 */
export function headerProblem(headers: Headers3, hasBody: boolean): Problem | undefined {
  if (!headers["user-agent"]) return absent("User-Agent");
  if (!headers.accept) return absent("Accept");
  if (!headers.accept.split(",").some((range) => JSON_RANGES.has(mediaType(range)))) {
    return notAcceptable("Accept", headers.accept, "application/json is not acceptable");
  }
  const language = headers["accept-language"];
  if (language !== undefined && !LANGUAGES.has(language)) {
    return notAcceptable("Accept-Language", language, "only en, zh-CN, zh-HK and zh-TW are known");
  }
  const type = headers["content-type"];
  if (hasBody && mediaType(type ?? "") !== "application/json") {
    return problem("INVALID_REQUEST", "Content-Type必须为application/json", {
      detail: at("Content-Type", type, "not application/json"),
    });
  }
  return undefined;
}

function absent(field: string): Problem {
  return problem("INVALID_REQUEST", `Http头缺少${field}`, {
    detail: at(field, undefined, "missing or empty"),
  });
}

function notAcceptable(field: string, value: string, issue: string): Problem {
  const detail = at(field, value, issue);
  return problem("PARAM_ERROR", `Http头${field}不支持`, { status: 406, detail });
}

function at(field: string, value: string | undefined, issue: string): Problem["detail"] & object {
  return { field, ...(value === undefined ? {} : { value }), issue, location: "header" };
}

function mediaType(range: string): string {
  return (range.split(";")[0] ?? "").trim().toLowerCase();
}
