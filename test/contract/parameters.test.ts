import { describe, expect, test } from "vitest";
import { readParameters } from "../../src/contract/parameters.ts";
import { refusalOf } from "./support.ts";

const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Reads a body that must be accepted, as pairs in order. */
function read(contentType: string, body: string): [string, string][] {
  const result = readParameters(contentType, bytes(body));
  if (!result.ok) throw new Error(result.error.detail);
  return [...result.value];
}

function refusal(contentType: string | null, body: string | Uint8Array): string {
  return refusalOf(readParameters(contentType, typeof body === "string" ? bytes(body) : body));
}

describe("readParameters, content type", () => {
  test.each([
    FORM,
    "Application/X-WWW-Form-Urlencoded",
    `${FORM}; charset=UTF-8`,
    `${FORM};charset="utf-8"`,
    `${FORM} ; charset=utf8; x=y`,
  ])("reads %s as a form", (contentType) => {
    expect(read(contentType, "a=1")).toEqual([["a", "1"]]);
  });

  test.each([JSON_TYPE, "APPLICATION/JSON", `${JSON_TYPE}; charset=utf-8`])(
    "reads %s as JSON",
    (contentType) => {
      expect(read(contentType, '{"a":"1"}')).toEqual([["a", "1"]]);
    },
  );

  test.each([null, "", "text/plain", "multipart/form-data; boundary=x", "application/jsonp"])(
    "refuses %s and names the two accepted types",
    (contentType) => {
      const detail = refusal(contentType, "a=1");
      expect(detail).toContain(FORM);
      expect(detail).toContain(JSON_TYPE);
    },
  );

  test.each([`${FORM}; charset=gbk`, `${JSON_TYPE};charset="iso-8859-1"`, `${FORM}; charset=`])(
    "refuses the charset of %s",
    (contentType) => {
      expect(refusal(contentType, "a=1")).toContain("charset 只能是 utf-8");
    },
  );
});

describe("readParameters, either format", () => {
  test.each([FORM, JSON_TYPE])("reads an empty body of %s as an empty set", (contentType) => {
    expect(read(contentType, "")).toEqual([]);
  });

  test.each([FORM, JSON_TYPE])("refuses bytes that aren't UTF-8: %s", (contentType) => {
    // 中 in GBK; an overlong slash; an encoded surrogate.
    for (const bad of [
      [0xd6, 0xd0],
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
    ]) {
      const body = Uint8Array.from([...bytes('{"a":"'), ...bad, ...bytes('"}')]);
      expect(refusal(contentType, body)).toBe("请求体必须是 UTF-8 编码");
    }
  });

  test.each([
    [FORM, "\uFEFFa=1"],
    [JSON_TYPE, '\uFEFF{"a":1}'],
  ])("refuses a byte order mark instead of dropping it: %s", (contentType, body) => {
    expect(refusal(contentType, body)).toContain("BOM");
  });

  test.each([
    [FORM, "appId=1&tag=x&appId=2"],
    [FORM, "appId=1&app%49d=1"],
    [JSON_TYPE, '{"appId":1,"tag":"x","appId":2}'],
    [JSON_TYPE, '{"appId":1,"app\\u0049d":1}'],
    [JSON_TYPE, '{ "appId" : "}" , "appId" : "}" }'],
  ])("refuses and names a repeated parameter: %s %s", (contentType, body) => {
    expect(refusal(contentType, body)).toContain("appId 重复");
  });

  test.each([
    [FORM, "a[]=1"],
    [FORM, "a b=1"],
    [FORM, "=1"],
    [FORM, "%zz=1"],
    [FORM, "中=1"],
    [FORM, `${"x".repeat(65)}=1`],
    [JSON_TYPE, '{"":1}'],
    [JSON_TYPE, '{"a=b":1}'],
    [JSON_TYPE, '{"a&b":{}}'],
    [JSON_TYPE, `{"${"x".repeat(65)}":1}`],
  ])("refuses an invalid name without echoing it: %s %s", (contentType, body) => {
    expect(refusal(contentType, body)).toBe("参数名只能由 A-Z a-z 0-9 _ . - 组成，长度 1 到 64");
  });

  test("accepts 64 parameters and refuses 65", () => {
    const fields = Array.from({ length: 65 }, (_, index) => [`p${index}`, "x"]);
    const form = (count: number) => new URLSearchParams(fields.slice(0, count)).toString();
    const json = (count: number) => JSON.stringify(Object.fromEntries(fields.slice(0, count)));
    expect(read(FORM, form(64))).toHaveLength(64);
    expect(read(JSON_TYPE, json(64))).toHaveLength(64);
    expect(refusal(FORM, form(65))).toContain("最多 64 个");
    expect(refusal(JSON_TYPE, json(65))).toContain("最多 64 个");
  });

  test("don't read further than the 65th parameter", () => {
    const fields = Array.from({ length: 65 }, (_, index) => `p${index}`);
    const form = `${fields.join("=&")}=&%zz`;
    expect(refusal(FORM, form)).toContain("最多 64 个");
    const json = `{${fields.map((name) => `"${name}":1,`).join("")}"a=b":[]}`;
    expect(refusal(JSON_TYPE, json)).toContain("最多 64 个");
  });

  test("treats __proto__ and constructor as ordinary names", () => {
    const expected = [
      ["__proto__", "x"],
      ["constructor", "y"],
    ];
    expect(read(FORM, "__proto__=x&constructor=y")).toEqual(expected);
    expect(read(JSON_TYPE, '{"__proto__":"x","constructor":"y"}')).toEqual(expected);
  });
});

describe("readParameters, form", () => {
  test("decodes + as a space and escapes as UTF-8, and splits at the first =", () => {
    expect(read(FORM, "a=x+y%20z&b=%E4%B8%AD%2B&c=1=2&d=中")).toEqual([
      ["a", "x y z"],
      ["b", "中+"],
      ["c", "1=2"],
      ["d", "中"],
    ]);
  });

  test("reads a name without = as an empty value and skips empty pairs", () => {
    expect(read(FORM, "&a&&b=&")).toEqual([
      ["a", ""],
      ["b", ""],
    ]);
  });

  test.each(["%", "%2", "%zz", "%D6%D0", "%C0%AF", "%ED%A0%80", "%E4%B8"])(
    "refuses the escape %s and names the parameter",
    (value) => {
      expect(refusal(FORM, `ok=1&desc=${value}`)).toContain("desc 的 % 转义有误");
    },
  );
});

describe("readParameters, JSON", () => {
  test("keeps the spelling of each value", () => {
    const body =
      ' {"a" : 1.0 ,"b":1e2,"c":-0,\n"d":12345678901234567890,"e":true,"f":false,"g":"\\u4e2d\\n,}"}\t';
    expect(read(JSON_TYPE, body)).toEqual([
      ["a", "1.0"],
      ["b", "1e2"],
      ["c", "-0"],
      ["d", "12345678901234567890"],
      ["e", "true"],
      ["f", "false"],
      ["g", "中\n,}"],
    ]);
  });

  test("reads an empty object as an empty set", () => {
    expect(read(JSON_TYPE, " { } ")).toEqual([]);
  });

  test.each(['{"a":{}}', '{"a":[]}', '{"a":[1],"a":"1"}', '{"a":{"b":"}"}}'])(
    "refuses and names a nested value: %s",
    (body) => {
      expect(refusal(JSON_TYPE, body)).toContain("a 不能是对象或数组");
    },
  );

  test("refuses null and recommends omitting the parameter", () => {
    expect(refusal(JSON_TYPE, '{"attach":null}')).toContain("attach 不能是 null");
  });

  test.each(["[]", '[{"a":1}]', "1", '"a=1"', "null", "true"])(
    "refuses a top level that isn't an object: %s",
    (body) => {
      expect(refusal(JSON_TYPE, body)).toContain("最外层必须是对象");
    },
  );

  test.each(["{", "a=1", '{"a":1,}', '{"a":01}', "{'a':1}", '{"a":NaN}', " ", '{"a":1}x'])(
    "refuses malformed JSON: %s",
    (body) => {
      expect(refusal(JSON_TYPE, body)).toBe("请求体不是有效的 JSON");
    },
  );

  test("refuses a lone surrogate, which encoders would replace", () => {
    expect(refusal(JSON_TYPE, '{"desc":"\\ud83d"}')).toContain("desc 含有无效的 Unicode 字符");
    expect(read(JSON_TYPE, '{"desc":"\\ud83d\\ude00"}')).toEqual([["desc", "😀"]]);
  });

  test("doesn't overflow on long values or deep nesting", () => {
    const length = 5_000_000;
    expect(read(JSON_TYPE, `{"a":"${"\\n".repeat(length)}"}`)[0]?.[1]).toHaveLength(length);
    expect(read(JSON_TYPE, `{"a":"${"x".repeat(length)}"}`)[0]?.[1]).toHaveLength(length);
    expect(read(JSON_TYPE, `{"a":${"9".repeat(length)}}`)[0]?.[1]).toHaveLength(length);
    expect(read(JSON_TYPE, `{${" ".repeat(length)}}`)).toEqual([]);
    expect(refusal(JSON_TYPE, `{"a":${"[".repeat(5000)}${"]".repeat(5000)}}`)).toContain(
      "a 不能是",
    );
  });

  test("reads escaped quotes and trailing escaped backslashes", () => {
    expect(read(JSON_TYPE, '{"a":"\\\\","b":"\\"","c":"x\\\\\\",\\"d\\":1"}')).toEqual([
      ["a", "\\"],
      ["b", '"'],
      ["c", 'x\\","d":1'],
    ]);
  });
});
