import {
  bytes,
  FIVE_MEGABYTES,
  FORM,
  JSON_TYPE,
  post,
  utf16,
  type Case,
  type Theme,
} from "../support/case.ts";
import { GIVEN } from "../support/given.ts";
import { pathOf, routesOf } from "../support/routes.ts";

const { sign, openId } = GIVEN;
const HEAD = `appId=1&sign=${sign}`;
const FIELDS = `"appId":1,"sign":"${sign}"`;

const form = (...parts: (string | number)[]) => post(bytes(...parts), FORM);
const json = (...parts: (string | number)[]) => post(bytes(...parts), JSON_TYPE);
const claiming = (type: string, body = HEAD) => post(body, type);

/** Bodies that no endpoint of the contract reads: each is the app's mistake. */
const BODIES: Readonly<Record<string, () => RequestInit>> = {
  "no body and no type": () => ({ method: "POST" }),
  "an empty form": () => form(),
  "an empty text that should be JSON": () => json(),
  "nothing but blanks that should be JSON": () => json(" \t\r\n "),
  "a form without a type": () => post(HEAD),
  "a form that claims to be text": () => claiming("text/plain"),
  "a form that claims to be multipart": () => claiming("multipart/form-data; boundary=x"),
  "a form that claims to be JSON": () => claiming(JSON_TYPE),
  "JSON that claims to be a form": () => claiming(FORM, `{${FIELDS}}`),
  "JSON of a similar type": () => claiming("application/problem+json", `{${FIELDS}}`),
  "JSON as JSONP": () => claiming("application/javascript", `f({${FIELDS}})`),
  "two types in one header": () => claiming(`${FORM}, ${JSON_TYPE}`),
  "a type behind a semicolon": () => claiming(`; ${FORM}`),
  "a type of a thousand letters": () => claiming("a".repeat(1_000)),
  "a charset of GBK": () => claiming(`${FORM}; charset=gbk`),
  "a charset of UTF-7": () => claiming(`${JSON_TYPE}; charset=utf-7`, `+AHsAIg-appId`),
  "a charset of UTF-16": () => claiming(`${JSON_TYPE}; charset=utf-16`),
  "a second charset": () => claiming(`${FORM}; charset=utf-8; charset=gbk`),
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
  "a form that claims to be compressed": () => post(HEAD, FORM, { "content-encoding": "gzip" }),
  "an XML body": () => claiming("text/xml", "<xml><appId>1</appId></xml>"),
  "one byte more than 64 KB": () => form(`${HEAD}&p=`.padEnd(65_537, "x")),
  "64 KB of a wrongly signed form": () => form(`${HEAD}&p=`.padEnd(65_536, "x")),
  "a body that breaks off": () => ({ ...form(), body: breaking(`${HEAD}&desc=`) }),
  "a body that breaks off before its first byte": () => ({ ...form(), body: breaking("") }),

  "a name twice": () => form(`${HEAD}&appId=1`),
  "a name twice with other values": () => form(`${HEAD}&appId=2`),
  "a name twice, once escaped": () => form(`${HEAD}&%61ppId=2`),
  "two signs": () => form(`${HEAD}&sign=${sign}`),
  "PHP's list": () => form("appId[]=1&sign=x"),
  "PHP's list with an index": () => form("appId[0]=1&sign=x"),
  "PHP's map": () => form("appId[$gt]=0&sign=x"),
  "PHP's map, escaped": () => form("appId%5B%24gt%5D=0&sign=x"),
  "a name with a blank": () => form(`${HEAD}&+tag=1`),
  "an empty name": () => form(`${HEAD}&=1`),
  "a name of 65 letters": () => form(`${HEAD}&${"a".repeat(65)}=1`),
  "a name with a Cyrillic letter": () => form(`\u0430ppId=1&sign=${sign}`),
  "a name in full width": () => form(`ａｐｐＩｄ=1&sign=${sign}`),
  "a name with a zero-width space": () => form(`app\u200bId=1&sign=${sign}`),
  "a name with a mark from right to left": () => form(`\u202eappId=1&sign=${sign}`),
  "a name with a line's end": () => form(`appId%0d%0aX-Evil:%201=1&sign=${sign}`),
  "a name with NUL": () => form(`appId%00=1&sign=${sign}`),
  "another case of the name": () => form(`appid=1&SIGN=${sign}`),
  "semicolons for ampersands": () => form(`appId=1;sign=${sign}`),
  "nothing but ampersands": () => form("&".repeat(1_000)),
  "nothing but equals signs": () => form("=".repeat(1_000)),
  "a question mark in front": () => form(`?${HEAD}`),
  "65 parameters": () => form(`${HEAD}&${many(63)}`),
  "ten thousand parameters": () => form(many(10_000)),
  "ten thousand times one name": () => form("a=1&".repeat(10_000)),
  "half an escape": () => form(`${HEAD}&desc=%`),
  "an escape cut short": () => form(`${HEAD}&desc=%E4%B`),
  "an escape of no hex": () => form(`${HEAD}&desc=%zz`),
  "an escape as JavaScript once wrote it": () => form(`${HEAD}&desc=%u4E2D`),
  "an escape in GBK": () => form(`${HEAD}&desc=%B2%E2`),
  "an overlong escape of a slash": () => form(`${HEAD}&desc=%C0%AF`),
  "an overlong escape of NUL": () => form(`${HEAD}&desc=%C0%80`),
  "an escaped surrogate": () => form(`${HEAD}&desc=%ED%A0%80`),
  "an escape beyond Unicode": () => form(`${HEAD}&desc=%F5%80%80%80`),
  "a byte that is never UTF-8": () => form(`${HEAD}&desc=`, 0xff),
  "an overlong slash in raw bytes": () => form(`${HEAD}&desc=`, 0xc0, 0xaf),
  "a surrogate in raw bytes": () => form(`${HEAD}&desc=`, 0xed, 0xa0, 0x80),
  "a character cut short": () => form(`${HEAD}&desc=`, 0xe4, 0xb8),
  "a mark of byte order before a form": () => form(0xef, 0xbb, 0xbf, HEAD),
  "a form in UTF-16": () => post(utf16(HEAD, true), FORM),

  "half a JSON object": () => json(`{"appId":1,"desc":"`),
  "JSON with a comma too many": () => json(`{${FIELDS},}`),
  "JSON with a comment": () => json(`{/* */${FIELDS}}`),
  "JSON in single quotes": () => json(`{'appId':1}`),
  "JSON without quotes": () => json("{appId:1}"),
  "two JSON objects": () => json(`{${FIELDS}}{${FIELDS}}`),
  "JSON lines": () => json(`{${FIELDS}}\n{${FIELDS}}`),
  "JSON with something after it": () => json(`{${FIELDS}} x`),
  "a JSON list": () => json(`[{${FIELDS}}]`),
  "a JSON text": () => json(`"${HEAD}"`),
  "a JSON number": () => json("1"),
  "a JSON null": () => json("null"),
  "an empty JSON object": () => json("{}"),
  "an object for a value": () => json(`{${FIELDS},"tag":{"$ne":null}}`),
  "a list for a value": () => json(`{${FIELDS},"tag":["a"]}`),
  "a null for a value": () => json(`{${FIELDS},"tag":null}`),
  "an object for the app's id": () => json(`{"appId":{"$gt":0},"sign":"${sign}"}`),
  "a true for the app's id": () => json(`{"appId":true,"sign":"${sign}"}`),
  "a list for the sign": () => json(`{"appId":1,"sign":["${sign}"]}`),
  "a JSON name twice": () => json(`{${FIELDS},"appId":2}`),
  "a JSON name twice, once escaped": () => json(`{${FIELDS},"\\u0061ppId":2}`),
  "a nested prototype": () => json(`{${FIELDS},"__proto__":{"enabled":true}}`),
  "a flat prototype": () => json(`{${FIELDS},"__proto__":"x","constructor":"y"}`),
  "no own app id, but a prototype's": () => json(`{"__proto__":{${FIELDS}}}`),
  "objects five thousand deep": () => json('{"a":'.repeat(5_000), "1", "}".repeat(5_000)),
  "lists thirty thousand deep": () => json("[".repeat(30_000), "]".repeat(30_000)),
  "thirty thousand lists that don't end": () => json("[".repeat(30_000)),
  "a text of thirty thousand backslashes": () => json(`{"a":"${"\\".repeat(30_000)}"}`),
  "a text of thirty thousand quotes": () => json(`{"a":"${'\\"'.repeat(30_000)}"}`),
  "a number beyond all": () => json(`{"appId":1e400,"sign":"${sign}"}`),
  "minus zero": () => json(`{"appId":-0,"sign":"${sign}"}`),
  "not a number": () => json(`{"appId":NaN,"sign":"${sign}"}`),
  "an infinite number": () => json(`{"appId":Infinity,"sign":"${sign}"}`),
  "a number in hex": () => json(`{"appId":0x1,"sign":"${sign}"}`),
  "a number with a leading zero": () => json(`{"appId":01,"sign":"${sign}"}`),
  "a number of sixty thousand digits": () => json(`{"appId":${"9".repeat(60_000)},"sign":"x"}`),
  "a raw line's end in a JSON text": () => json(`{${FIELDS},"desc":"a\nb"}`),
  "a raw NUL in JSON": () => json(`{${FIELDS},"desc":"a`, 0, `"}`),
  "a lone surrogate in a JSON text": () => json(`{${FIELDS},"openId":"${openId}\\ud800"}`),
  "a lone surrogate in a JSON name": () => json(`{${FIELDS},"\\udc00":"x"}`),
  "NUL in a JSON name": () => json(`{"appId\\u0000":1,"sign":"${sign}"}`),
  "a byte in JSON that is never UTF-8": () => json(`{${FIELDS},"desc":"`, 0xfe, `"}`),
  "a mark of byte order before JSON": () => json(0xef, 0xbb, 0xbf, `{${FIELDS}}`),
  "JSON in UTF-16, the small end first": () => post(utf16(`{${FIELDS}}`, true), JSON_TYPE),
  "JSON in UTF-16, the big end first": () => post(utf16(`{${FIELDS}}`, false), JSON_TYPE),
};

/** `count` parameters of different names. */
function many(count: number): string {
  return Array.from({ length: count }, (_, at) => `p${at}=1`).join("&");
}

function breaking(head: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      if (head !== "") controller.enqueue(bytes(head));
      controller.error(new Error("the caller is gone"));
    },
  });
}

/** Bodies that can be read: it is the sign in them that is refused. */
const READABLE = new Set([
  "64 KB of a wrongly signed form",
  "a form that claims to be compressed",
  "a flat prototype",
]);

/** The reason is the body's own, so that a reader that takes one is noticed though its sign is wrong. */
function aboutOf(name: string): RegExp {
  if (READABLE.has(name)) return /sign 签名错误/;
  return /^(an object|a list|a nested prototype)/.test(name)
    ? /不能是对象或数组/
    : /^(?!.*sign 签名错误)/;
}

export const appBodies: Theme = [
  ...routesOf("app").flatMap(([route]) =>
    Object.entries(BODIES).map(([name, init]): Case => ({
      name,
      route,
      answer: "app 501",
      about: aboutOf(name),
      request: (scene) => ({ path: pathOf(route, scene), init: init() }),
    })),
  ),
  {
    name: "five megabytes",
    route: "POST /order",
    answer: "app 501",
    request: () => ({ path: "/order", init: post(FIVE_MEGABYTES, FORM) }),
  },
];
