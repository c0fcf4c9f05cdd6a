import { apiError, type ApiError, type ErrorDetail } from "./response.ts";

/** The headers of a request that WeChat evaluates, in lower case. */
export const REQUEST_HEADERS = [
  "accept",
  "accept-language",
  "authorization",
  "content-type",
  "user-agent",
  "wechatpay-serial",
] as const;
/** Their values; absent ones are missing. */
export type RequestHeaders = { readonly [Name in (typeof REQUEST_HEADERS)[number]]?: string };

const LANGUAGES = new Set(["en", "zh-CN", "zh-HK", "zh-TW"]);
const JSON_RANGES = new Set(["application/json", "application/*", "*/*"]);

/**
 * Checks the headers of a request, except for the signature; null when they are valid.
 * See W-67. Like WeChat, it refuses the default of `fetch`,
 * `Accept-Language: *`, with 406.
 */
export function checkHeaders(headers: RequestHeaders, hasBody: boolean): ApiError | null {
  if (!headers["user-agent"]) return missing("User-Agent");
  if (!headers.accept) return missing("Accept");
  if (!headers.accept.split(",").some((range) => JSON_RANGES.has(mediaType(range)))) {
    return notAcceptable("Accept", headers.accept, "application/json is not acceptable");
  }
  const language = headers["accept-language"];
  if (language !== undefined && !LANGUAGES.has(language)) {
    return notAcceptable("Accept-Language", language, "only en, zh-CN, zh-HK and zh-TW are known");
  }
  const type = headers["content-type"];
  if (hasBody && mediaType(type ?? "") !== "application/json") {
    return apiError("INVALID_REQUEST", "Content-Type必须为application/json", {
      detail: headerDetail("Content-Type", type ?? null, "not application/json"),
    });
  }
  return null;
}

function missing(field: string): ApiError {
  return apiError("INVALID_REQUEST", `Http头缺少${field}`, {
    detail: headerDetail(field, null, "missing or empty"),
  });
}

function notAcceptable(field: string, value: string, issue: string): ApiError {
  const detail = headerDetail(field, value, issue);
  return apiError("PARAM_ERROR", `Http头${field}不支持`, { status: 406, detail });
}

function headerDetail(field: string, value: string | null, issue: string): ErrorDetail {
  return { field, ...(value === null ? {} : { value }), issue, location: "header" };
}

function mediaType(range: string): string {
  return (range.split(";")[0] ?? "").trim().toLowerCase();
}
