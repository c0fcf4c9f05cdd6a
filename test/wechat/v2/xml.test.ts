import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readXml, writeXml } from "../../../src/wechat/v2/xml.ts";
import vectors from "../../vectors/v2-xml.json";

function read(raw: Uint8Array | string): Record<string, string> | string {
  const result = readXml(raw);
  return result.ok ? Object.fromEntries(result.value) : result.error;
}

function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

describe("readXml, published messages", () => {
  const valid = vectors.vectors.filter((vector) => vector.expect?.startsWith("valid") === true);
  const invalid = vectors.vectors.filter((vector) => vector.expect?.startsWith("valid") === false);

  test("has vectors of both kinds", () => {
    expect([valid.length, invalid.length]).toEqual([4, 3]);
  });

  test.each(valid)("reads $name", ({ xml_base64 }) => {
    const result = readXml(bytesOf(xml_base64 ?? ""));
    expect(result.ok && result.value.size).toBeGreaterThan(4);
  });

  test.each(invalid)("refuses $name", ({ xml_base64 }) => {
    expect(readXml(bytesOf(xml_base64 ?? "")).ok).toBe(false);
  });

  test("keeps long numbers, Chinese and JSON unchanged", () => {
    const [order, payment] = valid.map(({ xml_base64 }) => read(bytesOf(xml_base64 ?? "")));
    expect(payment).toMatchObject({
      transaction_id: "1004400740201409030005092168",
      attach: "支付测试",
      coupon_fee: "10",
    });
    expect(order).toMatchObject({ total_fee: "1", body: "JSAPI支付测试" });
    expect(JSON.parse(Object(order).detail)).toHaveProperty("goods_detail.1.price", 608800);
  });

  test("reads a value of several lines", () => {
    const key = vectors.vectors.find(({ name }) => name.startsWith("getpublickey"));
    const fields = read(bytesOf(key?.xml_base64 ?? ""));
    expect(Object(fields).pub_key).toMatch(/^-----BEGIN RSA PUBLIC KEY-----\nMIIB[^]*-----\n$/);
  });

  test("reads a refusal of WeChat's outer gateway", () => {
    const refusal = vectors.vectors.find(({ xml }) => xml !== undefined);
    expect(read(refusal?.xml ?? "")).toEqual({
      return_code: "FAIL",
      retmsg: "请确认请求参数是否正确param mch_id invalid",
      retcode: "1",
    });
  });
});

describe("readXml", () => {
  test.each([
    [
      "a declaration and a byte order mark",
      '\uFEFF<?xml version="1.0" encoding="UTF-8"?>\n<xml><a>1</a></xml>\n',
      { a: "1" },
    ],
    [
      "no number parsing",
      "<xml><a>007</a><b>1e3</b><c>0x1F</c><d>true</d><e>0</e></xml>",
      { a: "007", b: "1e3", c: "0x1F", d: "true", e: "0" },
    ],
    ["empty fields", "<xml><a></a><b/><c><![CDATA[]]></c></xml>", { a: "", b: "", c: "" }],
    [
      "the five entities and numeric references",
      "<xml><a>&amp;&lt;&gt;&quot;&apos;&#65;&#x4e2d;&#x4E2D;</a></xml>",
      { a: "&<>\"'A中中" },
    ],
    [
      "references once only",
      "<xml><a>&amp;lt;&amp;#65;&#38;amp;</a></xml>",
      { a: "&lt;&#65;&amp;" },
    ],
    [
      "no references in CDATA",
      "<xml><a><![CDATA[&lt;&xxe;&#0;]]></a></xml>",
      { a: "&lt;&xxe;&#0;" },
    ],
    [
      "several CDATA sections",
      "<xml><a><![CDATA[1]]]]><![CDATA[>2]]>&amp;3</a></xml>",
      { a: "1]]>2&3" },
    ],
    [
      "markup inside CDATA",
      '<xml><a><![CDATA[<!DOCTYPE x><?y?><!-- z --></a><b x="1">]]></a></xml>',
      { a: '<!DOCTYPE x><?y?><!-- z --></a><b x="1">' },
    ],
    [
      "white space of values",
      "<xml>\n <a> 1 </a>\t<b><![CDATA[ 2\n]]></b>\n</xml>",
      { a: " 1 ", b: " 2\n" },
    ],
    [
      "the name of an object's own method",
      "<xml><isPrototypeOf>1</isPrototypeOf></xml>",
      { isPrototypeOf: "1" },
    ],
    ["characters of four bytes", "<xml><a>😀</a></xml>", { a: "😀" }],
    ["an empty message", "<xml></xml>", {}],
  ])("reads %s", (_name, text, fields) => {
    expect(read(text)).toEqual(fields);
    expect(read(new TextEncoder().encode(text))).toEqual(fields);
  });

  test("reads <root> only on request", () => {
    expect(readXml("<root><a>1</a></root>", "root")).toEqual({
      ok: true,
      value: new Map([["a", "1"]]),
    });
    expect(readXml("<root><a>1</a></root>").ok).toBe(false);
    expect(readXml("<xml><a>1</a></xml>", "root").ok).toBe(false);
  });

  test.each([
    ["nothing", ""],
    ["white space", " \n"],
    ["text", "SUCCESS"],
    ["JSON", '{"a":1}'],
    ["HTML", "<html><body>502</body></html>"],
    ["another root", "<XML><a>1</a></XML>"],
    ["a root that only begins like ours", "<xmlx><a>1</a></xmlx>"],
    ["a DOCTYPE", "<!DOCTYPE xml><xml><a>1</a></xml>"],
    ["a DOCTYPE in lower case", "<!doctype xml><xml><a>1</a></xml>"],
    ["an internal entity", '<!DOCTYPE xml [<!ENTITY e "1">]><xml><a>&e;</a></xml>'],
    [
      "an external entity",
      '<!DOCTYPE xml [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><a>&e;</a></xml>',
    ],
    ["a DOCTYPE inside the root", "<xml><!DOCTYPE xml><a>1</a></xml>"],
    ["a DOCTYPE inside a field", "<xml><a>1<!DOCTYPE xml></a></xml>"],
    ["a DOCTYPE between sections", "<xml><a><![CDATA[1]]><!DOCTYPE xml><![CDATA[2]]></a></xml>"],
    ["an entity declaration alone", '<xml><!ENTITY e "1"><a>1</a></xml>'],
    [
      "a billion laughs",
      '<!DOCTYPE xml [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><xml><c>&b;</c></xml>',
    ],
    ["a processing instruction", "<xml><?php echo 1 ?><a>1</a></xml>"],
    ["a stylesheet instruction", '<?xml-stylesheet href="x"?><xml><a>1</a></xml>'],
    ["a second declaration", '<?xml version="1.0"?><?xml version="1.0"?><xml><a>1</a></xml>'],
    ["another encoding", '<?xml version="1.0" encoding="GBK"?><xml><a>1</a></xml>'],
    ["a comment", "<xml><!-- 1 --><a>1</a></xml>"],
    ["a comment in a value", "<xml><a>1<!-- 2 -->3</a></xml>"],
    ["a comment that hides a section", "<xml><a>1</a><!-- <![CDATA[ --><b>2</b>]]></xml>"],
    ["attributes", '<xml><a b="1">1</a></xml>'],
    ["attributes of the root", '<xml b="1"><a>1</a></xml>'],
    ["a nameless attribute", "<xml><a =>1</a></xml>"],
    ["a nested field", "<xml><a><b>1</b></a></xml>"],
    ["a nested root", "<xml><xml><a>1</a></xml></xml>"],
    ["an empty nested field", "<xml><a>1<b/></a></xml>"],
    ["a field twice", "<xml><a>1</a><a>1</a></xml>"],
    ["a field twice, once empty", "<xml><a/><a>1</a></xml>"],
    ["text beside the fields", "<xml>1<a>1</a></xml>"],
    ["a section beside the fields", "<xml><![CDATA[1]]><a>1</a></xml>"],
    ["__proto__", "<xml><__proto__>1</__proto__></xml>"],
    ["constructor", "<xml><constructor>1</constructor></xml>"],
    ["prototype", "<xml><prototype>1</prototype></xml>"],
    ["a name with a prefix", "<xml><a:b>1</a:b></xml>"],
    ["a name with a dash", "<xml><a-b>1</a-b></xml>"],
    ["a name with a dot", "<xml><a.b>1</a.b></xml>"],
    ["a Chinese name", "<xml><名>1</名></xml>"],
    ["a name that begins with a digit", "<xml><1a>1</1a></xml>"],
    ["the parser's own text name", "<xml><#text>1</#text></xml>"],
    ["an unknown entity", "<xml><a>&nbsp;</a></xml>"],
    ["an entity in upper case", "<xml><a>&AMP;</a></xml>"],
    ["a bare ampersand", "<xml><a>1&2</a></xml>"],
    ["an unfinished reference", "<xml><a>&amp</a></xml>"],
    ["a reference across a section", "<xml><a>&<![CDATA[]]>amp;</a></xml>"],
    ["an empty reference", "<xml><a>&;</a></xml>"],
    ["a numeric reference without digits", "<xml><a>&#;</a></xml>"],
    ["a reference to NUL", "<xml><a>&#0;</a></xml>"],
    ["a reference to a control character", "<xml><a>&#x1b;</a></xml>"],
    ["a reference to a surrogate", "<xml><a>&#xD800;</a></xml>"],
    ["a reference above Unicode", "<xml><a>&#x110000;</a></xml>"],
    ["a control character", "<xml><a>\u0001</a></xml>"],
    ["NUL", "<xml><a>1</a></xml>\u0000"],
    ["a root that doesn't end", "<xml><a>1</a>"],
    ["half a closing tag", "<xml><a>1</a></xm"],
    ["a field that doesn't end", "<xml><a>1</xml>"],
    ["a section that doesn't end", "<xml><a><![CDATA[1</a></xml>"],
    ["crossed tags", "<xml><a>1<b>2</a></b></xml>"],
    ["another closing tag", "<xml><a>1</b></xml>"],
    ["a closing tag too many", "<xml><a>1</a></a></xml>"],
    ["a closing root too many", "<xml><a>1</a></xml></xml>"],
    ["a closing tag with a section in it", "<xml><a>1</a<![CDATA[x]]>></xml>"],
    ["a second root", "<xml><a>1</a></xml><xml><b>1</b></xml>"],
    ["two roots in one", "<xml></xml><a>1</a><xml></xml>"],
    ["text after the root", "<xml><a>1</a></xml>x"],
    ["a reference after the root", "<xml><a>1</a></xml>&amp;"],
    ["a section after the root", "<xml><a>1</a></xml><![CDATA[x]]>"],
    ["text before the root", "x<xml><a>1</a></xml>"],
    ["a stray less-than sign", "<xml><a>1 < 2</a></xml>"],
    ["a section of another kind", "<xml><a><![IGNORE[1]]></a></xml>"],
  ])("refuses %s", (_name, text) => {
    expect(readXml(text).ok).toBe(false);
    expect(readXml(new TextEncoder().encode(text)).ok).toBe(false);
  });

  test("refuses text with half a surrogate pair", () => {
    expect(read("<xml><a>\uD83D</a></xml>")).toBe("characters not allowed in XML");
  });

  test.each(["yes", "no"])("reads a declaration with standalone=%j", (value) => {
    const declaration = `<?xml version='1.0' encoding='utf-8' standalone='${value}' ?>`;
    expect(read(`${declaration}<xml><a>1</a></xml>`)).toEqual({ a: "1" });
  });

  test("refuses bytes that aren't UTF-8", () => {
    const gbk = [...new TextEncoder().encode("<xml><a>"), 0xd6, 0xd0];
    const raw = new Uint8Array([...gbk, ...new TextEncoder().encode("</a></xml>")]);
    expect(read(raw)).toBe("not UTF-8");
  });

  test("reads 64 KB and refuses more", () => {
    const frame = "<xml><a></a></xml>";
    const longest = frame.replace("<a></a>", `<a>${"1".repeat(65_536 - frame.length)}</a>`);
    expect(longest).toHaveLength(65_536);
    expect(readXml(longest).ok).toBe(true);
    expect(read(`${longest} `)).toBe("too long");
    expect(read(new TextEncoder().encode(`${longest} `))).toBe("too long");
  });

  test("refuses more fields than any message has", () => {
    const fields = Array.from({ length: 1499 }, (_, index) => `<a${index}></a${index}>`).join("");
    expect(readXml(`<xml>${fields}</xml>`).ok).toBe(true);
    expect(read(`<xml>${fields}<b/></xml>`)).toBe("too many fields");
  });

  test("never throws, whatever the input", () => {
    const token = fc.constantFrom(
      "<xml>",
      "</xml>",
      "<a>",
      "</a>",
      "<b/>",
      "<![CDATA[",
      "]]>",
      "<!",
      "<?",
      "?>",
      "&amp;",
      "&",
      "<",
      ">",
      "x",
      " ",
      '"',
      "<!DOCTYPE ",
      "-->",
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 30 }), (tokens) => {
        const result = readXml(`<xml>${tokens.join("")}</xml>`);
        expect(result.ok ? "read" : typeof result.error).toMatch(/read|string/);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("writeXml", () => {
  const name = fc
    .stringMatching(/^[a-z][a-z0-9_]{0,12}$/)
    .filter((text) => !["constructor", "prototype"].includes(text));
  const unit = fc.oneof(
    fc.constantFrom("]]>", "&amp;", "<![CDATA[", "</xml>", " ", "\n", "\t", "&", "<", "中"),
    fc.string({ unit: "grapheme-ascii", maxLength: 3 }),
  );
  const value = fc.array(unit, { maxLength: 8 }).map((units) => units.join(""));

  test("writes any fields so that readXml reads them back", () => {
    fc.assert(
      fc.property(fc.dictionary(name, value), (fields) => {
        const map = new Map(Object.entries(fields));
        const xml = writeXml(map);
        expect(xml.ok && readXml(xml.value)).toEqual({ ok: true, value: map });
      }),
    );
  });

  test("splits a value at the end of a CDATA section", () => {
    expect(writeXml(new Map([["a", "1]]>2"]]))).toEqual({
      ok: true,
      value: "<xml><a><![CDATA[1]]]]><![CDATA[>2]]></a></xml>",
    });
  });

  test.each(["😀", "𠮷", "\u0000", "\u001B", "\u007F", "\u0085", "\r", "\uD83D", "\uFFFF"])(
    "refuses a value with %j and names the field",
    (character) => {
      expect(
        writeXml(
          new Map([
            ["a", "1"],
            ["body", `x${character}y`],
          ]),
        ),
      ).toEqual({ ok: false, error: "body" });
    },
  );

  test("throws for an invalid name", () => {
    expect(() => writeXml(new Map([["a><b", "1"]]))).toThrow("bad name");
  });
});
