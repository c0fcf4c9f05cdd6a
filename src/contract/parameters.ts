import { badRequest, type Refusal } from "./refusal.ts";
import { err, ok, type Result } from "../lib/result.ts";
import { readFormPairs } from "./form-body.ts";
import { readJsonPairs } from "./json-body.ts";
import { collectParameters, type Pair, type Parameters } from "./parameter-set.ts";

export type { Parameters } from "./parameter-set.ts";

type Reader = (text: string) => Result<readonly Pair[], Refusal>;

const READERS: ReadonlyMap<string, Reader> = new Map([
  ["application/x-www-form-urlencoded", readFormPairs],
  ["application/json", readJsonPairs],
]);

const BAD_CONTENT_TYPE = badRequest(
  "Content-Type 必须是 application/x-www-form-urlencoded 或 application/json",
  "wrong-content-type",
);
const BAD_CHARSET = badRequest("Content-Type 的 charset 只能是 utf-8", "wrong-charset");
const BAD_ENCODING = badRequest("请求体必须是 UTF-8 编码", "not-utf-8");
const BYTE_ORDER_MARK = badRequest("请求体不能以 BOM 开头", "byte-order-mark");

/**
 * Reads an app's request body. Contract: the body is `application/x-www-form-urlencoded` or
 * `application/json` (flat, scalars only).
 *
 * Refuses ambiguous input with a 501 that names the expected form. Repairs and drops nothing, so
 * that the signed, the validated and the used values are the same. An empty body is an empty set.
 * The caller limits the body's size.
 *
 * @param contentType the header's value, null when it is missing
 */
export function readParameters(
  contentType: string | null,
  body: Uint8Array,
): Result<Parameters, Refusal> {
  const reader = chooseReader(contentType);
  if (!reader.ok) return reader;
  if (body.length === 0) return ok(new Map());

  const text = decodeUtf8(body);
  if (!text.ok) return text;

  const pairs = reader.value(text.value);
  if (!pairs.ok) return pairs;
  return collectParameters(pairs.value);
}

function chooseReader(contentType: string | null): Result<Reader, Refusal> {
  const [mediaType = "", ...options] = (contentType ?? "").toLowerCase().split(";");
  const reader = READERS.get(mediaType.trim());
  if (reader === undefined) return err(BAD_CONTENT_TYPE);

  for (const option of options) {
    const [name = "", value = ""] = option.split("=");
    if (name.trim() === "charset" && !/^"?utf-?8"?$/.test(value.trim())) return err(BAD_CHARSET);
  }
  return ok(reader);
}

/** `fatal`: with replacement characters, different bodies would decode to the same text. */
function decodeUtf8(body: Uint8Array): Result<string, Refusal> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch (error) {
    if (error instanceof TypeError) return err(BAD_ENCODING);
    throw error;
  }
  return text.startsWith("\uFEFF") ? err(BYTE_ORDER_MARK) : ok(text);
}
