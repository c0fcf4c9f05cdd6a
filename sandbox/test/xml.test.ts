import { describe, expect, test } from "vitest";
import { readXml, writeXml } from "../src/v2/xml.ts";
import vectors from "./vectors/v2-xml.json";

const decode = (name: string): string => {
  const vector = vectors.vectors.find((it) => it.name === name);
  return vector?.xml ?? Buffer.from(vector?.xml_base64 ?? "", "base64").toString("utf8");
};

const read = (text: string): ReadonlyMap<string, string> => {
  const document = readXml(text);
  if (!document.ok) throw new Error(document.error);
  return document.value.fields;
};

describe("readXml, vectors", () => {
  test("parses unifiedorder.sample.xml", () => {
    const fields = read(decode("unifiedorder.sample.xml"));
    expect(fields.size).toBe(13);
    expect(fields.get("attach")).toBe("支付测试");
    expect(fields.get("total_fee")).toBe("1");
    expect(JSON.parse(fields.get("detail") ?? "")).toMatchObject({ goods_detail: [{}, {}] });
  });

  test("parses paysuccess.notification.sample.xml", () => {
    const fields = read(decode("paysuccess.notification.sample.xml"));
    expect(fields.get("transaction_id")).toBe("1004400740201409030005092168");
    expect(fields.get("attach")).toBe("支付测试");
  });

  test("parses sendredpack.sample.xml", () => {
    const fields = read(decode("sendredpack.sample.xml"));
    expect(fields.get("send_name")).toBe("send_name");
    expect(fields.get("mch_billno")).toBe("0010010404201411170000046545");
  });

  test("parses getpublickey.response.sample.xml", () => {
    const key = read(decode("getpublickey.response.sample.xml")).get("pub_key");
    expect(key?.split("\n")).toHaveLength(9);
    expect(key).toMatch(/^-----BEGIN RSA PUBLIC KEY-----\n/);
  });

  test("parses an error with retcode and retmsg", () => {
    const fields = read(decode("sandbox/gateway style error with retcode/retmsg"));
    expect(fields.get("retmsg")).toBe("请确认请求参数是否正确param mch_id invalid");
  });

  test.each([
    "fragment_injection.sample.xml",
    "invalid.xxe_injection.sample.xml",
    "invalid.normal_404.sample.html",
  ])("refuses %s", (name) => {
    expect(decode(name)).not.toBe("");
    expect(readXml(decode(name)).ok).toBe(false);
  });

  test("covers all vectors", () => {
    expect(vectors.vectors).toHaveLength(8);
  });
});

test.each([
  ["a DOCTYPE", "<!DOCTYPE xml><xml><a>1</a></xml>"],
  ["an ENTITY", '<!DOCTYPE xml [<!ENTITY x "y">]><xml><a>&x;</a></xml>'],
  ["an unknown entity", "<xml><a>&x;</a></xml>"],
  ["a bare ampersand", "<xml><a>1 & 2</a></xml>"],
  ["nesting", "<xml><a><b>1</b></a></xml>"],
  ["a repeated name", "<xml><a>1</a><a>2</a></xml>"],
  ["an attribute", '<xml><a b="c">1</a></xml>'],
  ["a comment", "<xml><!-- --><a>1</a></xml>"],
  ["a processing instruction", "<xml><?php ?><a>1</a></xml>"],
  ["text between the fields", "<xml>text<a>1</a></xml>"],
  ["text after the root", "<xml><a>1</a></xml>x"],
  ["a second root", "<xml></xml><xml></xml>"],
  ["an open field", "<xml><a>1</xml>"],
  ["an open root", "<xml><a>1</a>"],
  ["another closing tag", "<xml><a>1</b></xml>"],
  ["an open CDATA", "<xml><a><![CDATA[1</a></xml>"],
  ["]]> in plain text", "<xml><a>]]></a></xml>"],
  ["a character of four bytes", "<xml><a>😀</a></xml>"],
  ["a reference to such a character", "<xml><a>&#x1F600;</a></xml>"],
  ["a control character", "<xml><a>\u0001</a></xml>"],
  ["a reference to a control character", "<xml><a>&#0;</a></xml>"],
  ["text that is not XML", "appid=1&mch_id=2"],
  ["an empty text", ""],
])("readXml refuses %s", (_what, text) => {
  expect(readXml(text).ok).toBe(false);
});

test("readXml joins text, CDATA, entities and references into one value", () => {
  const text = `<?xml version="1.0"?>\n<xml> <a>&lt;&#20013;<![CDATA[<b>&amp;]]>&#x56FD;</a> <e/> </xml>\n`;
  expect([...read(text)]).toEqual([
    ["a", "<中<b>&amp;国"],
    ["e", ""],
  ]);
});

test("readXml treats names with a meaning in JavaScript like others", () => {
  const fields = read("<xml><__proto__>1</__proto__><constructor>2</constructor></xml>");
  expect([...fields.keys()]).toEqual(["__proto__", "constructor"]);
});

test.each(["", "]]>", "]]>]]>", "a]]", "<x>&amp;", " spaces \n", "中文"])(
  "writeXml and readXml preserve %j",
  (value) => {
    expect(read(writeXml([["a", value]])).get("a")).toBe(value);
  },
);

test("writeXml writes values in CDATA, except those in withoutCdata", () => {
  const xml = writeXml(
    [
      ["a", "1"],
      ["b", "2"],
    ],
    { root: "root", withoutCdata: new Set(["b"]) },
  );
  expect(xml).toBe("<root>\n<a><![CDATA[1]]></a>\n<b>2</b>\n</root>");
});
