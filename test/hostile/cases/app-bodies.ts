import {
  bytes,
  FIVE_MEGABYTES,
  FORM,
  JSON_TYPE,
  post,
  utf16,
  type Case,
  type Cases,
} from "../support/case.ts";
import { CANARIES } from "../support/canaries.ts";
import { pathOf, routesOf } from "../support/routes.ts";

const { sign, openId } = CANARIES;
const HEAD = `appId=1&sign=${sign}`;
const FIELDS = `"appId":1,"sign":"${sign}"`;

const form = (...parts: (string | number)[]) => post(bytes(...parts), FORM);
const json = (...parts: (string | number)[]) => post(bytes(...parts), JSON_TYPE);
const labelled = (type: string, body = HEAD) => post(body, type);

/** Bodies that the endpoints refuse with 501. */
const REFUSED_BODIES: Readonly<Record<string, () => RequestInit>> = {
  "no body and no Content-Type": () => ({ method: "POST" }),
  "an empty form": () => form(),
  "an empty body labelled JSON": () => json(),
  "whitespace labelled JSON": () => json(" \t\r\n "),
  "a form without a Content-Type": () => post(HEAD),
  "a form labelled text": () => labelled("text/plain"),
  "a form labelled multipart": () => labelled("multipart/form-data; boundary=x"),
  "a form labelled JSON": () => labelled(JSON_TYPE),
  "JSON labelled a form": () => labelled(FORM, `{${FIELDS}}`),
  "JSON labelled problem+json": () => labelled("application/problem+json", `{${FIELDS}}`),
  JSONP: () => labelled("application/javascript", `f({${FIELDS}})`),
  "two types in one Content-Type": () => labelled(`${FORM}, ${JSON_TYPE}`),
  "a Content-Type that starts with a semicolon": () => labelled(`; ${FORM}`),
  "a Content-Type of a thousand letters": () => labelled("a".repeat(1_000)),
  "the charset GBK": () => labelled(`${FORM}; charset=gbk`),
  "the charset UTF-7": () => labelled(`${JSON_TYPE}; charset=utf-7`, `+AHsAIg-appId`),
  "the charset UTF-16": () => labelled(`${JSON_TYPE}; charset=utf-16`),
  "a second charset": () => labelled(`${FORM}; charset=utf-8; charset=gbk`),
  "real multipart form data": () => {
    const body = new FormData();
    body.set("appId", "1");
    body.set("sign", sign);
    return { method: "POST", body };
  },
  "a gzip member": () =>
    post(bytes(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0), FORM, {
      "content-encoding": "gzip",
    }),
  "a form labelled gzip": () => post(HEAD, FORM, { "content-encoding": "gzip" }),
  "an XML body": () => labelled("text/xml", "<xml><appId>1</appId></xml>"),
  "16 KB and one byte": () => form(`${HEAD}&p=`.padEnd(16_385, "x")),
  "a form of 16 KB with an invalid sign": () => form(`${HEAD}&p=`.padEnd(16_384, "x")),
  "a body that is cut off": () => ({ ...form(), body: cutOff(`${HEAD}&desc=`) }),
  "a body that is cut off before its first byte": () => ({ ...form(), body: cutOff("") }),

  "a name twice": () => form(`${HEAD}&appId=1`),
  "a name twice with other values": () => form(`${HEAD}&appId=2`),
  "a name twice, once escaped": () => form(`${HEAD}&%61ppId=2`),
  "two signs": () => form(`${HEAD}&sign=${sign}`),
  "a PHP array": () => form("appId[]=1&sign=x"),
  "a PHP array with an index": () => form("appId[0]=1&sign=x"),
  "a PHP map": () => form("appId[$gt]=0&sign=x"),
  "a PHP map, escaped": () => form("appId%5B%24gt%5D=0&sign=x"),
  "a name with a space": () => form(`${HEAD}&+tag=1`),
  "an empty name": () => form(`${HEAD}&=1`),
  "a name of 65 letters": () => form(`${HEAD}&${"a".repeat(65)}=1`),
  "a name with a Cyrillic letter": () => form(`\u0430ppId=1&sign=${sign}`),
  "a name in full-width letters": () => form(`ａｐｐＩｄ=1&sign=${sign}`),
  "a name with a zero-width space": () => form(`app\u200bId=1&sign=${sign}`),
  "a name with a right-to-left override": () => form(`\u202eappId=1&sign=${sign}`),
  "a name with a line break": () => form(`appId%0d%0aX-Evil:%201=1&sign=${sign}`),
  "a name with NUL": () => form(`appId%00=1&sign=${sign}`),
  "names in another case": () => form(`appid=1&SIGN=${sign}`),
  "semicolons instead of ampersands": () => form(`appId=1;sign=${sign}`),
  "only ampersands": () => form("&".repeat(1_000)),
  "only equals signs": () => form("=".repeat(1_000)),
  "a leading question mark": () => form(`?${HEAD}`),
  "65 parameters": () => form(`${HEAD}&${many(63)}`),
  "two thousand parameters": () => form(many(2_000)),
  "one name four thousand times": () => form("a=1&".repeat(4_000)),
  "an unfinished escape": () => form(`${HEAD}&desc=%`),
  "a truncated escape": () => form(`${HEAD}&desc=%E4%B`),
  "an escape that isn't hex": () => form(`${HEAD}&desc=%zz`),
  "an escape of JavaScript's escape()": () => form(`${HEAD}&desc=%u4E2D`),
  "escapes of GBK": () => form(`${HEAD}&desc=%B2%E2`),
  "an overlong escape of a slash": () => form(`${HEAD}&desc=%C0%AF`),
  "an overlong escape of NUL": () => form(`${HEAD}&desc=%C0%80`),
  "an escaped surrogate": () => form(`${HEAD}&desc=%ED%A0%80`),
  "an escape beyond Unicode": () => form(`${HEAD}&desc=%F5%80%80%80`),
  "a byte that is invalid in UTF-8": () => form(`${HEAD}&desc=`, 0xff),
  "an overlong UTF-8 slash": () => form(`${HEAD}&desc=`, 0xc0, 0xaf),
  "a surrogate encoded in UTF-8": () => form(`${HEAD}&desc=`, 0xed, 0xa0, 0x80),
  "a truncated character": () => form(`${HEAD}&desc=`, 0xe4, 0xb8),
  "a byte order mark before a form": () => form(0xef, 0xbb, 0xbf, HEAD),
  "a form in UTF-16": () => post(utf16(HEAD, true), FORM),

  "an unfinished JSON object": () => json(`{"appId":1,"desc":"`),
  "JSON with a trailing comma": () => json(`{${FIELDS},}`),
  "JSON with a comment": () => json(`{/* */${FIELDS}}`),
  "JSON in single quotes": () => json(`{'appId':1}`),
  "JSON without quotes": () => json("{appId:1}"),
  "two JSON objects": () => json(`{${FIELDS}}{${FIELDS}}`),
  "JSON lines": () => json(`{${FIELDS}}\n{${FIELDS}}`),
  "JSON with text after it": () => json(`{${FIELDS}} x`),
  "a JSON array": () => json(`[{${FIELDS}}]`),
  "a JSON string": () => json(`"${HEAD}"`),
  "a JSON number": () => json("1"),
  "a JSON null": () => json("null"),
  "an empty JSON object": () => json("{}"),
  "an object as a value": () => json(`{${FIELDS},"tag":{"$ne":null}}`),
  "an array as a value": () => json(`{${FIELDS},"tag":["a"]}`),
  "null as a value": () => json(`{${FIELDS},"tag":null}`),
  "an object as the appId": () => json(`{"appId":{"$gt":0},"sign":"${sign}"}`),
  "true as the appId": () => json(`{"appId":true,"sign":"${sign}"}`),
  "an array as the sign": () => json(`{"appId":1,"sign":["${sign}"]}`),
  "a JSON name twice": () => json(`{${FIELDS},"appId":2}`),
  "a JSON name twice, once escaped": () => json(`{${FIELDS},"\\u0061ppId":2}`),
  "a nested __proto__": () => json(`{${FIELDS},"__proto__":{"enabled":true}}`),
  "__proto__ and constructor with text values": () =>
    json(`{${FIELDS},"__proto__":"x","constructor":"y"}`),
  "the appId in __proto__ only": () => json(`{"__proto__":{${FIELDS}}}`),
  "objects two thousand deep": () => json('{"a":'.repeat(2_000), "1", "}".repeat(2_000)),
  "arrays eight thousand deep": () => json("[".repeat(8_000), "]".repeat(8_000)),
  "sixteen thousand unclosed arrays": () => json("[".repeat(16_000)),
  "a string of sixteen thousand backslashes": () => json(`{"a":"${"\\".repeat(16_000)}"}`),
  "a string of eight thousand quotes": () => json(`{"a":"${'\\"'.repeat(8_000)}"}`),
  "a number that overflows": () => json(`{"appId":1e400,"sign":"${sign}"}`),
  "minus zero": () => json(`{"appId":-0,"sign":"${sign}"}`),
  NaN: () => json(`{"appId":NaN,"sign":"${sign}"}`),
  Infinity: () => json(`{"appId":Infinity,"sign":"${sign}"}`),
  "a number in hex": () => json(`{"appId":0x1,"sign":"${sign}"}`),
  "a number with a leading zero": () => json(`{"appId":01,"sign":"${sign}"}`),
  "a number of sixteen thousand digits": () => json(`{"appId":${"9".repeat(16_000)},"sign":"x"}`),
  "a raw line break in a JSON string": () => json(`{${FIELDS},"desc":"a\nb"}`),
  "a raw NUL in JSON": () => json(`{${FIELDS},"desc":"a`, 0, `"}`),
  "a lone surrogate in a JSON string": () => json(`{${FIELDS},"openId":"${openId}\\ud800"}`),
  "a lone surrogate in a JSON name": () => json(`{${FIELDS},"\\udc00":"x"}`),
  "NUL in a JSON name": () => json(`{"appId\\u0000":1,"sign":"${sign}"}`),
  "JSON with a byte that is invalid in UTF-8": () => json(`{${FIELDS},"desc":"`, 0xfe, `"}`),
  "a byte order mark before JSON": () => json(0xef, 0xbb, 0xbf, `{${FIELDS}}`),
  "JSON in UTF-16, little-endian": () => post(utf16(`{${FIELDS}}`, true), JSON_TYPE),
  "JSON in UTF-16, big-endian": () => post(utf16(`{${FIELDS}}`, false), JSON_TYPE),
};

/** `count` parameters of different names. */
function many(count: number): string {
  return Array.from({ length: count }, (_, at) => `p${at}=1`).join("&");
}

function cutOff(head: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      if (head !== "") controller.enqueue(bytes(head));
      controller.error(new Error("the client disconnected"));
    },
  });
}

/** Readable bodies: only their sign is refused. */
const READABLE = new Set([
  "a form of 16 KB with an invalid sign",
  "a form labelled gzip",
  "__proto__ and constructor with text values",
]);

/** The reason must be the body's: an accepted body would be refused for its sign anyway. */
function patternOf(name: string): RegExp {
  if (READABLE.has(name)) return /sign 签名错误/;
  return /^(an object|an array|a nested __proto__)/.test(name)
    ? /不能是对象或数组/
    : /^(?!.*sign 签名错误)/;
}

export const appBodies: Cases = [
  ...routesOf("app").flatMap(([route]) =>
    Object.entries(REFUSED_BODIES).map(([name, init]): Case => ({
      name,
      route,
      answer: "app 501",
      textPattern: patternOf(name),
      request: (target) => ({ path: pathOf(route, target), init: init() }),
    })),
  ),
  {
    name: "five megabytes",
    route: "POST /order",
    answer: "app 501",
    request: () => ({ path: "/order", init: post(FIVE_MEGABYTES, FORM) }),
  },
];
