import { badRequest, type Refusal } from "./refusal.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { BAD_NAME, isParameterName, MAX_PARAMETERS, type Pair } from "./parameter-set.ts";

const NOT_JSON = badRequest("请求体不是有效的 JSON", "malformed-json");
const NOT_AN_OBJECT = badRequest('JSON 的最外层必须是对象，如 {"appId":1}', "malformed-json");

/**
 * One token of text that is known to be valid JSON: a number, a literal or a punctuation mark. Of a
 * string it matches the opening quote only: a pattern for the whole of a long string would overflow
 * the engine's stack.
 */
const TOKEN = /[ \t\n\r]*([-\w.+]+|[{}[\]:,"])/y;

/**
 * Reads a flat JSON object of scalars. JSON.parse only validates the text: it keeps the last of
 * repeated names and rounds numbers, so names and values are read from the text itself. A number
 * keeps its spelling (`1.0`, `1e2`, twenty digits), because the app signed that spelling.
 */
export function readJsonPairs(text: string): Result<readonly Pair[], Refusal> {
  if (!isJson(text)) return err(NOT_JSON);
  const tokens = tokenize(text);
  if (tokens.next().value !== "{") return err(NOT_AN_OBJECT);

  const pairs: Pair[] = [];
  for (const token of tokens) {
    if (token === "," || token === "}") continue;
    const name = unquote(token);
    if (!isParameterName(name)) return err(BAD_NAME);
    tokens.next(); // the colon
    const value = scalar(name, tokens.next().value ?? "");
    if (!value.ok) return value;
    pairs.push({ name, value: value.value });
    if (pairs.length > MAX_PARAMETERS) break; // Refused for their number: the rest costs nothing.
  }
  return ok(pairs);
}

function scalar(name: string, token: string): Result<string, Refusal> {
  switch (token.charAt(0)) {
    case '"':
      return ok(unquote(token));
    case "{":
    case "[":
      return err(invalid(name, "不能是对象或数组，只能是字符串、数字或布尔值"));
    case "n":
      return err(invalid(name, "不能是 null，没有值时请不要传该参数"));
    default:
      return ok(token);
  }
}

function invalid(name: string, expected: string): Refusal {
  return badRequest(`${name} ${expected}`, { fault: "invalid", parameter: name });
}

function* tokenize(text: string): Generator<string, undefined> {
  const pattern = new RegExp(TOKEN);
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const token = match[1] ?? "";
    if (token === '"') {
      const start = pattern.lastIndex - 1;
      pattern.lastIndex = endOfString(text, start);
      yield text.slice(start, pattern.lastIndex);
    } else {
      yield token;
    }
  }
}

/** The index after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function unquote(token: string): string {
  const value: unknown = JSON.parse(token);
  return String(value);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
