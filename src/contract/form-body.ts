import { badRequest, type Refusal } from "./refusal.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { BAD_NAME, isParameterName, MAX_PARAMETERS, type Pair } from "./parameter-set.ts";

/**
 * Reads `application/x-www-form-urlencoded` as the WHATWG URL standard does (`+` is a space, a name
 * without `=` has an empty value, empty pairs as in `a=1&&b=2` are skipped), but refuses a malformed
 * escape: with replacement characters, different bodies would decode to the same parameters.
 */
export function readFormPairs(text: string): Result<readonly Pair[], Refusal> {
  const pairs: Pair[] = [];
  for (const part of text.split("&")) {
    if (part === "") continue;
    const equalsAt = part.indexOf("=");
    const name = decode(equalsAt === -1 ? part : part.slice(0, equalsAt));
    if (name === null || !isParameterName(name)) return err(BAD_NAME);
    const value = equalsAt === -1 ? "" : decode(part.slice(equalsAt + 1));
    if (value === null) {
      const detail = `${name} 的 % 转义有误，必须是 UTF-8 的百分号编码`;
      return err(badRequest(detail, { fault: "invalid", parameter: name }));
    }
    pairs.push({ name, value });
    if (pairs.length > MAX_PARAMETERS) break; // Refused for their number: the rest costs nothing.
  }
  return ok(pairs);
}

/** Null for a malformed escape, or for escaped bytes that aren't UTF-8 (GBK, for example). */
function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll(/\+/g, " "));
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
