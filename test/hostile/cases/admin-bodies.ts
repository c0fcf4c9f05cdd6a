import { bytes, FORM, utf16, type Body, type Case, type Theme, toEach } from "../support/case.ts";
import { GIVEN } from "../support/given.ts";
import { operator } from "../support/operator.ts";
import { routesOf } from "../support/routes.ts";

/** Bodies of which nothing may be believed, whatever the route wants. */
const RAW: Readonly<Record<string, Body>> = {
  nothing: "",
  blanks: " \n ",
  "half an object": '{"name":',
  "an object in single quotes": "{'name':'x'}",
  "two objects": "{}{}",
  "something after the object": "{} x",
  "a comma too many": '{"name":"x",}',
  "a comment": '{/* x */"name":"x"}',
  "a list": "[{}]",
  "a list of thirty thousand lists": "[".repeat(30_000) + "]".repeat(30_000),
  "objects that don't end": '{"a":'.repeat(10_000),
  "a text": '"x"',
  "a number": "1",
  "a number beyond all": "1e400",
  null: "null",
  true: "true",
  NaN: "NaN",
  "an empty object": "{}",
  "an unknown field only": `{"canary":"${GIVEN.apiKey}"}`,
  "a prototype only": '{"__proto__":{"name":"x","overlapSeconds":0,"event":"pay","enabled":true}}',
  "a constructor only": '{"constructor":{"prototype":{"name":"x"}}}',
  "a byte that is never UTF-8": bytes('{"name":"', 0xff, '"}'),
  "an overlong escape": bytes('{"name":"', 0xc0, 0xaf, '"}'),
  "a surrogate in raw bytes": bytes('{"name":"', 0xed, 0xa0, 0x80, '"}'),
  "UTF-16": utf16('\uFEFF{"name":"x"}', true),
  "a raw NUL": bytes('{"name":"', 0, '"}'),
  "a raw line's end": '{"name":"a\nb"}',
  "a form": "name=x&overlapSeconds=0&event=pay",
  XML: '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
  "a gzip member": bytes(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0),
  "64 KB and a byte": " ".repeat(65_537),
};

const TYPES: readonly string[] = [
  "",
  "text/plain",
  FORM,
  "multipart/form-data; boundary=x",
  "application/jsonp",
  "application/problem+json",
  "text/json",
  "application/xml",
  "application/json, text/plain",
  "text/plain; application/json",
];

/** What no field is. */
const WRONG_VALUES: readonly unknown[] = [
  [],
  {},
  [[]],
  { $ne: null },
  { toString: 1 },
  1.5,
  -1,
  "\u0000'); drop table apps; --\r\nX-Evil: 1",
  `\u202e\u0007${GIVEN.salt} with blanks`,
  "x".repeat(10_000),
  "",
  Number.MAX_VALUE,
];

export const adminBodies: Theme = toEach(routesOf("admin"), ([route, about]) => {
  const good = about.body;
  if (good === undefined) return [];
  const refused = (name: string, asked: Parameters<typeof operator>[2]): Case => ({
    name,
    route,
    answer: "admin 400",
    request: (scene) => operator(route, scene, asked),
  });
  const changed = (name: string, change: (body: string) => string): Case => ({
    name,
    route,
    answer: "admin 400",
    request: (scene) => operator(route, scene, { raw: change(JSON.stringify(good)) }),
  });
  return [
    ...Object.entries(RAW).map(([name, raw]) => refused(name, { raw })),
    ...TYPES.map((contentType) => refused(`the type ${contentType}`, { contentType })),
    changed("a good body and an unknown field", (body) => body.replace("{", '{"canary":1,')),
    changed("a good body and an id", (body) => body.replace("{", '{"id":1,')),
    changed("a good body and a sealed secret", (body) => body.replace("{", '{"saltSealed":"x",')),
    changed("a good body and a prototype", (body) => body.replace("{", '{"__proto__":{},')),
    {
      name: "a body that breaks off",
      route,
      answer: "admin 400",
      request: (scene) => {
        const { path, init } = operator(route, scene);
        const body = new ReadableStream({
          pull: (controller) => controller.error(new Error("the caller is gone")),
        });
        return { path, init: { ...init, body } };
      },
    },
  ];
});

/** Each field of each good body, with what it can't be. */
export const adminFields: Theme = routesOf("admin").flatMap(([route, { body = {}, texts = [] }]) =>
  Object.keys(body).flatMap((field) =>
    [...WRONG_VALUES, null]
      .filter((value) => !isText(value, texts.includes(field)))
      .map((value): Case => ({
        name: `${field} ${JSON.stringify(value).slice(0, 40)}`,
        route,
        answer: "admin 400",
        about: new RegExp(`"path":"${field}`),
        request: (scene) => operator(route, scene, { json: { ...body, [field]: value } }),
      })),
  ),
);

/** A text within reason, where any is taken. */
function isText(value: unknown, isTaken: boolean): boolean {
  return isTaken && typeof value === "string" && value !== "" && value.length < 500;
}
