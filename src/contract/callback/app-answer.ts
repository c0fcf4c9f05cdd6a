/**
 * Whether an app's answer confirms a callback. Contract: a 2xx whose body, trimmed, is `success` in
 * any case (the JSON string `"success"` too), or JSON with `code` 0. `code` must be a number: `"0"`,
 * `null` or an error page with status 200 doesn't confirm, which costs one more call at worst.
 *
 * @param bodyHead the part of the body that was read; truncated JSON doesn't confirm
 */
export function isConfirmed(status: number, bodyHead: string): boolean {
  if (status < 200 || status > 299) return false;
  const text = bodyHead.trim();
  if (isSuccess(text)) return true;
  const answer = parseJson(text);
  if (typeof answer === "string") return isSuccess(answer);
  return typeof answer === "object" && answer !== null && "code" in answer && answer.code === 0;
}

function isSuccess(text: string): boolean {
  return text.toLowerCase() === "success";
}

/** Undefined when the text isn't JSON: an app may answer anything. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Reads `Retry-After` (RFC 9110 §10.2.3): seconds, or a date in the only format that senders may
 * still generate. Returns ms from `nowAt` (Unix ms), 0 for a past date; null when the header is
 * missing or unreadable.
 */
export function parseRetryAfter(header: string | null, nowAt: number): number | null {
  const text = header?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  // Date.parse alone accepts almost anything, including "-1".
  if (!/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - nowAt);
}
