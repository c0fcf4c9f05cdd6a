import type { Case, Cases } from "../support/case.ts";
import { CANARIES } from "../support/canaries.ts";
import { ROUTES } from "../support/routes.ts";
import { formTo, validForm } from "../support/signing.ts";

const ROUTE = "POST /pay/create-order";
const page = { accessToken: CANARIES.accessToken, url: "https://shop.example/?code=1" };

/** Characters that WeChat would refuse or garble. */
const UNSENDABLE: Readonly<Record<string, string>> = {
  NUL: "a\u0000b",
  "a carriage return and a line feed": "a\r\nX-Evil: 1",
  "a terminal escape": "\u001b[2J\u001b]0;x\u0007",
  "a backspace": "abc\b\b\b",
  "a delete": "a\u007f",
  "a NEL character": "a\u0085b",
  "a noncharacter": "a\uffff",
  "an emoji": "書📚",
  "a flag": "🇨🇳",
  "a character of four bytes": "𠮷",
  "a tag character": "a\u{e0041}",
};

/** Texts that have a meaning in some other layer. */
const TEXTS: Readonly<Record<string, string>> = {
  "with SQL": "'); drop table orders; --",
  "with a template": "${process.env} {{7*7}} #{1} <%= 1 %>",
  "with a format": "%s%n%x %d $1 \\1",
  "with shell syntax": "`id` $(id) | id; id &",
  "with markup": "<script>alert(1)</script>",
  "with the end of CDATA": "]]><sign>x</sign><![CDATA[",
  "with an entity": "&lt;&amp;&xxe;",
  "with a JNDI lookup": "${jndi:ldap://evil.example/a}",
  "with a line break and a log line": 'a\n{"level":"error","event":"forged"}',
  "with quotes and backslashes": "\"'\\\"'\\",
  "with a right-to-left override": "\u202etxt.exe\u2066",
  "with combining marks": `a${"\u0301".repeat(10)}`,
  "of Cyrillic look-alikes": "раураӏ",
  "with zero-width characters": "a\u200b\u200d\ufeffb",
  "with a plus and an escape": "a+b%2Bc%00d",
  "that is __proto__": "__proto__",
  "that is JSON": '{"totalFree":1}',
  "that is a number": "1e400",
  "of spaces": "   ",
};

/** Values that break a limit or format of their parameter. */
const INVALID_VALUES: Readonly<Record<string, readonly [parameter: string, value: string]>> = {
  "openId of 129 characters": ["openId", "o".repeat(129)],
  "desc of 128 bytes": ["desc", "d".repeat(128)],
  "desc of 43 characters of three bytes": ["desc", "書".repeat(43)],
  "desc of fifteen thousand bytes": ["desc", "d".repeat(15_000)],
  "tag of 33 bytes": ["tag", "t".repeat(33)],
  "tag of 33 bytes in 11 characters": ["tag", "标".repeat(11)],
  "attach of 128 bytes": ["attach", "a".repeat(128)],
  "appOrderNo of 65 characters": ["appOrderNo", "a".repeat(65)],
  "appOrderNo with a slash": ["appOrderNo", "../../x"],
  "appOrderNo with a space": ["appOrderNo", "a b"],
  "appOrderNo with the wildcard of LIKE": ["appOrderNo", "%"],
  "appOrderNo with SQL": ["appOrderNo", "' or 1=1--"],
  "appOrderNo with a line break": ["appOrderNo", "a\n"],
  "appOrderNo in full-width letters": ["appOrderNo", "ｎｏ-1"],
  "tradeType of another kind": ["tradeType", "NATIVE"],
  "tradeType in lower case": ["tradeType", "jsapi"],
  "tradeType with a trailing space": ["tradeType", "JSAPI "],
  "platForm of Alipay": ["platForm", "2"],
  "clientIp that is a host name": ["clientIp", "localhost"],
  "clientIp with a port": ["clientIp", "203.0.113.7:80"],
  "clientIp in octal": ["clientIp", "0177.0.0.1"],
  "clientIp as one number": ["clientIp", "2130706433"],
  "clientIp in short form": ["clientIp", "127.1"],
  "clientIp with a zone": ["clientIp", "fe80::1%eth0"],
  "clientIp of two addresses": ["clientIp", "203.0.113.7, 10.0.0.1"],
  "clientIp with a line break": ["clientIp", "203.0.113.7\n"],
  "accessToken without url": ["accessToken", CANARIES.accessToken],
  "url without accessToken": ["url", "https://shop.example/"],
};

const INVALID_URLS: readonly string[] = [
  "javascript:alert(1)",
  "data:text/html,x",
  "file:///etc/passwd",
  "//shop.example/",
  "https:/\u0000/shop.example",
  "https://shop example/",
  "https://shop.example/\r\nX: 1",
  `https://shop.example/${"a".repeat(2048)}`,
];

const refused = (name: string, values: Record<string, string>, parameter: string): Case => ({
  name,
  route: ROUTE,
  answer: "app 501",
  textPattern: new RegExp(`${parameter} `),
  request: (target) => formTo(ROUTE, target, validForm(ROUTES[ROUTE], target, values)),
});

export const appTexts: Cases = [
  ...["openId", "desc", "tag", "attach"].flatMap((parameter) =>
    Object.entries(UNSENDABLE).map(([name, value]) =>
      refused(`${parameter} with ${name}`, { [parameter]: value }, parameter),
    ),
  ),
  ...Object.entries(INVALID_VALUES).map(([name, [parameter, value]]) =>
    refused(name, { [parameter]: value }, "[A-Za-z]+"),
  ),
  ...INVALID_URLS.map((url) =>
    refused(`url ${JSON.stringify(url.slice(0, 40))}`, { ...page, url }, "url"),
  ),
  ...Object.entries(TEXTS).map(([name, text]): Case => ({
    name: `accepted: a text ${name}`,
    route: ROUTE,
    answer: "app 0",
    allows: "rows",
    request: (target) => {
      const short = text.slice(0, 32);
      const values = { openId: text, desc: text, attach: text, tag: short };
      return formTo(ROUTE, target, validForm(ROUTES[ROUTE], target, values));
    },
  })),
  {
    name: "accepted: an OAuth token, which is signed but not stored",
    route: ROUTE,
    answer: "app 0",
    allows: "rows",
    request: (target) => formTo(ROUTE, target, validForm(ROUTES[ROUTE], target, page)),
  },
];
