import {
  bytes,
  FIVE_MEGABYTES,
  FORM,
  post,
  utf16,
  type Body,
  type Cases,
  casesFor,
} from "../support/case.ts";
import { CANARIES } from "../support/canaries.ts";
import { pathOf, routesOf } from "../support/routes.ts";

const FIELD = "<return_code>SUCCESS</return_code>";
const SIGN = `<sign>${CANARIES.sign}</sign>`;
const inXml = (inner: string): string => `<xml>${FIELD}${inner}${SIGN}</xml>`;

const BILLION_LAUGHS = `<!DOCTYPE xml [<!ENTITY a "ha">${Array.from(
  { length: 10 },
  (_, at) => `<!ENTITY a${at} "${`&a${at === 0 ? "" : at - 1};`.repeat(10)}">`,
).join("")}]>`;

/** Bodies that the parser of APIv2 messages refuses. */
const REFUSED_BODIES: Readonly<Record<string, Body>> = {
  "an empty body": "",
  whitespace: " \r\n\t ",
  "a word": "xml",
  JSON: '{"return_code":"SUCCESS"}',
  "a form": `return_code=SUCCESS&sign=${CANARIES.sign}`,
  HTML: "<!doctype html><html><body>x</body></html>",
  "an empty document": "<xml></xml>",
  "an empty tag": "<xml/>",
  "another root": `<XML>${FIELD}</XML>`,
  "a root that isn't closed": `<xml>${FIELD}`,
  "an unfinished tag": `<xml>${FIELD}<sig`,
  "two documents": `${inXml("")}${inXml("")}`,
  "text after the document": `${inXml("")}x`,
  "crossed tags": inXml("<a><b></a></b>"),
  "a field inside a field": inXml("<a><b>1</b></a>"),
  "a field twice": inXml(FIELD),
  "an attribute": inXml('<a b="c">1</a>'),
  "an attribute at the root": `<xml xmlns="x">${FIELD}</xml>`,
  "a name with a prefix": inXml("<x:a>1</x:a>"),
  "a field named __proto__": inXml("<__proto__>1</__proto__>"),
  "a field named constructor": inXml("<constructor>1</constructor>"),
  "a field named in Chinese": inXml("<金额>1</金额>"),
  "a field that begins with a digit": inXml("<1a>1</1a>"),
  "text between the fields": inXml("text"),
  "a comment": inXml("<!-- x -->"),
  "a processing instruction": inXml("<?php phpinfo(); ?>"),
  "a style sheet": `<?xml-stylesheet href="https://evil.example/x"?>${inXml("")}`,
  "an external entity of a file": `<!DOCTYPE xml [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>${inXml("<a>&xxe;</a>")}`,
  "an external entity of a server": `<!DOCTYPE xml [<!ENTITY xxe SYSTEM "http://169.254.169.254/">]>${inXml("<a>&xxe;</a>")}`,
  "an external DTD": `<!DOCTYPE xml SYSTEM "https://evil.example/x.dtd">${inXml("")}`,
  "a public DTD": `<!DOCTYPE xml PUBLIC "x" "https://evil.example/x.dtd">${inXml("")}`,
  "a parameter entity": `<!DOCTYPE xml [<!ENTITY % p SYSTEM "https://evil.example/x">%p;]>${inXml("")}`,
  "an internal entity": `<!DOCTYPE xml [<!ENTITY x "SUCCESS">]>${inXml("<a>&x;</a>")}`,
  "a billion laughs": `${BILLION_LAUGHS}${inXml("<a>&a9;</a>")}`,
  "a quadratic blow-up": `<!DOCTYPE xml [<!ENTITY a "${"a".repeat(20_000)}">]>${inXml(`<a>${"&a;".repeat(2_000)}</a>`)}`,
  "a DTD after an empty CDATA section": `<xml><![CDATA[]]><!DOCTYPE a>${FIELD}</xml>`,
  "an undeclared entity": inXml("<a>&nbsp;</a>"),
  "a truncated entity": inXml("<a>&amp</a>"),
  "a character reference to NUL": inXml("<a>&#0;</a>"),
  "a character reference to a surrogate": inXml("<a>&#xD800;</a>"),
  "a character reference beyond Unicode": inXml("<a>&#x110000;</a>"),
  "a character reference of thousands of digits": inXml(`<a>&#${"1".repeat(5_000)};</a>`),
  "an unclosed CDATA section": `<xml>${FIELD}<a><![CDATA[x</a></xml>`,
  "CDATA around the root": `<![CDATA[${inXml("")}]]>`,
  "CDATA in CDATA": inXml("<a><![CDATA[<![CDATA[x]]>]]></a>"),
  "CDATA between the fields": inXml("<![CDATA[x]]>"),
  "CDATA in lower case": inXml("<a><![cdata[x]]></a>"),
  "a section that isn't CDATA": inXml("<a><![INCLUDE[x]]></a>"),
  "a tag inside a tag": inXml("<a<b>>1</a>"),
  NUL: bytes("<xml>", 0, FIELD, "</xml>"),
  "a control character": bytes("<xml>", FIELD, "<a>", 8, "</a></xml>"),
  "a byte that is invalid in UTF-8": bytes("<xml>", FIELD, "<a>", 0xff, "</a></xml>"),
  "an overlong bracket": bytes(0xc0, 0xbc, "xml>", FIELD, "</xml>"),
  "a surrogate encoded in UTF-8": bytes("<xml>", FIELD, "<a>", 0xed, 0xa0, 0x80, "</a></xml>"),
  "UTF-16, little-endian": utf16(`\uFEFF${inXml("")}`, true),
  "UTF-16, big-endian": utf16(`\uFEFF${inXml("")}`, false),
  "UTF-7": "+ADw-xml+AD4-+ADw-/xml+AD4-",
  "a declaration of UTF-16": `<?xml version="1.0" encoding="UTF-16"?>${inXml("")}`,
  "a declaration of UTF-7": `<?xml version="1.0" encoding="UTF-7"?>${inXml("")}`,
  "a declaration of XML 2": `<?xml version="2.0"?>${inXml("")}`,
  "two declarations": `<?xml version="1.0"?><?xml version="1.0"?>${inXml("")}`,
  "two byte order marks": `\uFEFF\uFEFF${inXml("")}`,
  "five thousand tags deep": `<xml>${"<a>".repeat(5_000)}${"</a>".repeat(5_000)}</xml>`,
  "ten thousand unclosed tags": `<xml>${"<a>".repeat(10_000)}`,
  "ten thousand fields": `<xml>${"<a/>".repeat(10_000)}</xml>`,
  "a thousand different fields": `<xml>${Array.from({ length: 1_000 }, (_, at) => `<a${at}>1</a${at}>`).join("")}</xml>`,
  "a field name of thirty thousand letters": `<xml><${"a".repeat(30_000)}/></xml>`,
  "a value of sixty thousand letters": inXml(`<a>${"x".repeat(60_000)}</a>`),
  "sixty thousand brackets": "<".repeat(60_000),
  "sixty thousand ampersands": inXml(`<a>${"&".repeat(60_000)}</a>`),
  "ten thousand ends of CDATA": inXml(`<a>${"]]>".repeat(10_000)}</a>`),
  "a gzip member": bytes(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0),
  "exactly 64 KB": inXml("").padEnd(65_536),
};

export const xmlBodies: Cases = casesFor(routesOf("v2"), ([route]) => [
  ...Object.entries(REFUSED_BODIES).map(([name, body]) => ({
    name,
    route,
    answer: "v2 not accepted" as const,
    request: (target: Parameters<typeof pathOf>[1]) => ({
      path: pathOf(route, target),
      init: post(body, name === "a form" ? FORM : "text/xml"),
    }),
  })),
  {
    name: "64 KB and one byte",
    route,
    answer: "v2 too large",
    request: (target) => ({
      path: pathOf(route, target),
      init: post(inXml("").padEnd(65_537), "text/xml"),
    }),
  },
  {
    name: "five megabytes",
    route,
    answer: "v2 too large",
    request: (target) => ({
      path: pathOf(route, target),
      init: post(FIVE_MEGABYTES, "text/xml"),
    }),
  },
  {
    name: "a body that is cut off",
    route,
    answer: "v2 broken off",
    request: (target) => ({
      path: pathOf(route, target),
      init: {
        method: "POST",
        body: new ReadableStream({
          pull: (controller) => controller.error(new Error("the client disconnected")),
        }),
      },
    }),
  },
]);
