import { bytes, FORM, utf16, type Body, type Case, type Cases, casesFor } from "../support/case.ts";
import { CANARIES } from "../support/canaries.ts";
import { operatorRequest } from "../support/operator-request.ts";
import { routesOf } from "../support/routes.ts";

/** Bodies that are invalid for every route. */
const INVALID_BODIES: Readonly<Record<string, Body>> = {
  "an empty body": "",
  whitespace: " \n ",
  "an unfinished object": '{"name":',
  "an object in single quotes": "{'name':'x'}",
  "two objects": "{}{}",
  "text after the object": "{} x",
  "a trailing comma": '{"name":"x",}',
  "a comment": '{/* x */"name":"x"}',
  "an array": "[{}]",
  "thirty thousand nested arrays": "[".repeat(30_000) + "]".repeat(30_000),
  "ten thousand unclosed objects": '{"a":'.repeat(10_000),
  "a string": '"x"',
  "a number": "1",
  "a number that overflows": "1e400",
  null: "null",
  true: "true",
  NaN: "NaN",
  "an empty object": "{}",
  "only an unknown field": `{"canary":"${CANARIES.apiKey}"}`,
  "only __proto__": '{"__proto__":{"name":"x","overlapSeconds":0,"event":"pay","enabled":true}}',
  "only constructor": '{"constructor":{"prototype":{"name":"x"}}}',
  "a byte that is invalid in UTF-8": bytes('{"name":"', 0xff, '"}'),
  "an overlong UTF-8 sequence": bytes('{"name":"', 0xc0, 0xaf, '"}'),
  "a surrogate encoded in UTF-8": bytes('{"name":"', 0xed, 0xa0, 0x80, '"}'),
  "UTF-16": utf16('\uFEFF{"name":"x"}', true),
  "a raw NUL in a string": bytes('{"name":"', 0, '"}'),
  "a raw line break in a string": '{"name":"a\nb"}',
  "a form": "name=x&overlapSeconds=0&event=pay",
  XML: '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
  "a gzip member": bytes(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0),
  "64 KB and one byte": " ".repeat(65_537),
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

/** Values that no field accepts, unless it is a free text. */
const WRONG_VALUES: readonly unknown[] = [
  [],
  {},
  [[]],
  { $ne: null },
  { toString: 1 },
  1.5,
  -1,
  "\u0000'); drop table apps; --\r\nX-Evil: 1",
  `\u202e\u0007${CANARIES.salt} with blanks`,
  "x".repeat(10_000),
  "",
  Number.MAX_VALUE,
];

export const adminBodies: Cases = casesFor(routesOf("admin"), ([route, definition]) => {
  const validBody = definition.body;
  if (validBody === undefined) return [];
  const refused = (name: string, options: Parameters<typeof operatorRequest>[2]): Case => ({
    name,
    route,
    answer: "admin 400",
    request: (target) => operatorRequest(route, target, options),
  });
  const changed = (name: string, change: (body: string) => string): Case => ({
    name,
    route,
    answer: "admin 400",
    request: (target) => operatorRequest(route, target, { raw: change(JSON.stringify(validBody)) }),
  });
  return [
    ...Object.entries(INVALID_BODIES)
      .filter(([, raw]) => raw !== "{}" || definition.takesEmptyBody !== true)
      .map(([name, raw]) => refused(name, { raw })),
    ...TYPES.map((contentType) => refused(`the Content-Type "${contentType}"`, { contentType })),
    changed("a valid body with an unknown field", (body) => body.replace("{", '{"canary":1,')),
    changed("a valid body with an id", (body) => body.replace("{", '{"id":1,')),
    changed("a valid body with a sealed secret", (body) => body.replace("{", '{"saltSealed":"x",')),
    changed("a valid body with __proto__", (body) => body.replace("{", '{"__proto__":{},')),
    {
      name: "a body that is cut off",
      route,
      answer: "admin 400",
      request: (target) => {
        const { path, init } = operatorRequest(route, target);
        const body = new ReadableStream({
          pull: (controller) => controller.error(new Error("the client disconnected")),
        });
        return { path, init: { ...init, body } };
      },
    },
  ];
});

/** Each field of each valid body, with values of the wrong type. */
export const adminFields: Cases = routesOf("admin").flatMap(
  ([route, { body = {}, textFields = [] }]) =>
    Object.keys(body).flatMap((field) =>
      [...WRONG_VALUES, null]
        .filter((value) => !isAccepted(value, textFields.includes(field)))
        .map((value): Case => ({
          name: `${field} ${JSON.stringify(value).slice(0, 40)}`,
          route,
          answer: "admin 400",
          textPattern: new RegExp(`"path":"${field}`),
          request: (target) =>
            operatorRequest(route, target, { json: { ...body, [field]: value } }),
        })),
    ),
);

/** Whether the field is a free text and accepts this value. */
function isAccepted(value: unknown, isFreeText: boolean): boolean {
  return isFreeText && typeof value === "string" && value !== "" && value.length < 500;
}
