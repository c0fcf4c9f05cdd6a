import { describe, expect, test } from "vitest";
import { parseCreateOrder } from "../../src/contract/create-order.ts";
import { parametersOf, refusalOf } from "./support.ts";

type Fields = Record<string, string | undefined>;

const minimal = {
  platForm: "1",
  appId: "1",
  openId: "ocxab04rPr0Qms9SOQA3fNgYGqoY",
  desc: "test",
  totalFree: "1",
  tag: "test",
  tradeType: "JSAPI",
  sign: "aeb4376a7bf9d88c608cc4589cc8af447453ab86",
};

function parse(changes: Fields) {
  return parseCreateOrder(parametersOf({ ...minimal, ...changes }));
}

describe("parseCreateOrder", () => {
  test("accepts the required parameters only", () => {
    expect(parse({})).toEqual({
      ok: true,
      value: {
        openId: "ocxab04rPr0Qms9SOQA3fNgYGqoY",
        desc: "test",
        totalFen: 1,
        tag: "test",
        attach: null,
        appOrderNo: null,
        clientIp: null,
        addressPage: null,
      },
    });
  });

  test("accepts all parameters", () => {
    const url = "https://shop.example/支付?code=1&state=A%20b#top";
    const all = {
      attach: " 续费\t1\n",
      appOrderNo: "A_b-9",
      clientIp: "2001:db8::1",
      accessToken: "OezX-_",
      url,
    };
    expect(parse({ ...all, totalFree: "2147483647" })).toEqual({
      ok: true,
      value: {
        openId: "ocxab04rPr0Qms9SOQA3fNgYGqoY",
        desc: "test",
        totalFen: 2_147_483_647,
        tag: "test",
        attach: " 续费\t1\n",
        appOrderNo: "A_b-9",
        clientIp: "2001:db8::1",
        addressPage: { accessToken: "OezX-_", url },
      },
    });
  });

  test("treats empty optional parameters as missing, and ignores unknown ones", () => {
    const empty = { attach: "", appOrderNo: "", clientIp: "", accessToken: "", url: "" };
    expect(parse({ ...empty, unknown: "x", constructor: "y" })).toEqual(parse({}));
  });

  test.each<Fields>([
    { openId: "o".repeat(128) },
    { desc: "中".repeat(42) + "x" },
    { tag: "标".repeat(10) + "xx" },
    { tag: "x".repeat(32) },
    { attach: "x".repeat(127) },
    { appOrderNo: "x".repeat(64) },
    { clientIp: "203.0.113.9" },
    { clientIp: "::ffff:203.0.113.9" },
    { accessToken: "x".repeat(512), url: `http://a.example/${"x".repeat(2048 - 17)}` },
    { accessToken: "x", url: `http://a.example/${"中".repeat(677)}` },
    { accessToken: "x", url: "HTTPS://a.example" },
    { desc: "\u00a0\ue000\ufffd" },
  ])("accepts a value at its limit: %j", (changes) => {
    expect(refusalOf(parse(changes))).toBe("ACCEPTED");
  });
});

describe("parseCreateOrder, refusals", () => {
  test.each(["platForm", "openId", "desc", "totalFree", "tag", "tradeType"])(
    "names %s when it is missing or empty",
    (name) => {
      expect(refusalOf(parse({ [name]: undefined }))).toBe(`${name} 必传`);
      expect(refusalOf(parse({ [name]: "" }))).toBe(`${name} 必传`);
    },
  );

  const emoji = "emoji";
  const control = "不能包含控制字符";
  test.each<[Fields, string]>([
    [{ platForm: "2" }, "platForm 只能是 1（微信支付），支付宝等其它平台暂未提供"],
    [{ platForm: "3" }, "platForm 只能是 1"],
    [{ platForm: "01" }, "platForm 只能是 1"],
    [{ tradeType: "NATIVE" }, "tradeType 只能是 JSAPI"],
    [{ tradeType: "jsapi" }, "tradeType 只能是 JSAPI"],
    [{ totalFree: "0" }, "totalFree 必须是不小于 1 的整数（单位：分）"],
    [{ totalFree: "-1" }, "totalFree 必须是不小于 1 的整数（单位：分）"],
    [{ totalFree: "1.5" }, "totalFree 必须是不小于 1 的整数（单位：分）"],
    [{ totalFree: "1e2" }, "totalFree 必须是不小于 1 的整数（单位：分）"],
    [{ totalFree: "007" }, "totalFree 必须是不小于 1 的整数（单位：分）"],
    [{ totalFree: "2147483648" }, "totalFree 不能大于 2147483647（单位：分）"],
    [{ totalFree: "99999999999999999999999" }, "totalFree 不能大于 2147483647"],
    [{ openId: "o".repeat(129) }, "openId 不能超过 128 个字符"],
    [{ openId: "o😀" }, emoji],
    [{ openId: "o\u0000" }, control],
    [{ desc: "x".repeat(128) }, "desc 不能超过 127 字节"],
    [{ desc: "中".repeat(43) }, "desc 不能超过 127 字节"],
    [{ desc: "好😀" }, `desc 不能包含 ${emoji}`],
    [{ desc: "𠮷" }, `desc 不能包含 ${emoji}`],
    [{ desc: "a\u0008" }, `desc ${control}`],
    [{ desc: "a\r\nb" }, `desc ${control}`],
    [{ desc: "a\u0085b" }, `desc ${control}`],
    [{ attach: "a\u007fb" }, `attach ${control}`],
    [{ desc: "a\uffff" }, `desc ${control}`],
    [{ tag: "x".repeat(33) }, "tag 不能超过 32 字节"],
    [{ tag: "标".repeat(11) }, "tag 不能超过 32 字节（UTF-8，一个汉字占 3 字节）"],
    [{ tag: "é".repeat(17) }, "tag 不能超过 32 字节"],
    [{ tag: "😀" }, `tag 不能包含 ${emoji}`],
    [{ tag: "\u001f" }, `tag ${control}`],
    [{ attach: "x".repeat(128) }, "attach 不能超过 127 字节"],
    [{ attach: "中".repeat(43) }, "attach 不能超过 127 字节"],
    [{ attach: "😀" }, `attach 不能包含 ${emoji}`],
    [{ attach: "\u000b" }, `attach ${control}`],
    [{ appOrderNo: "x".repeat(65) }, "appOrderNo 只能由"],
    [{ appOrderNo: "a.b" }, "appOrderNo 只能由"],
    [{ appOrderNo: "a\n" }, "appOrderNo 只能由"],
    [{ clientIp: "1.2.3" }, "clientIp 必须是 IPv4 或 IPv6 地址"],
    [{ clientIp: "1.2.3.256" }, "clientIp 必须是 IPv4 或 IPv6 地址"],
    [{ clientIp: "fe80::1%eth0" }, "clientIp 必须是 IPv4 或 IPv6 地址"],
    [{ clientIp: "1.2.3.4, 5.6.7.8" }, "clientIp 必须是 IPv4 或 IPv6 地址"],
    [{ accessToken: "x" }, "url 必须与 accessToken 一起提供"],
    [{ url: "https://a.example/" }, "accessToken 必须与 url 一起提供"],
    [{ accessToken: "x".repeat(513), url: "https://a.example/" }, "accessToken 不能超过 512"],
    [{ accessToken: "x", url: `https://a.example/${"x".repeat(2048)}` }, "url 不能超过 2048 字节"],
    [
      { accessToken: "x", url: `http://a.example/${"中".repeat(678)}` },
      "url 不能超过 2048 字节（UTF-8，一个汉字占 3 字节）",
    ],
    [{ accessToken: "x", url: "ftp://a.example/" }, "url 必须是 http 或 https 网址"],
    [{ accessToken: "x", url: "javascript:alert(1)" }, "url 必须是 http 或 https 网址"],
    [{ accessToken: "x", url: "//a.example/" }, "url 必须是 http 或 https 网址"],
    [{ accessToken: "x", url: " https://a.example/" }, "url 必须是 http 或 https 网址"],
    [{ accessToken: "x", url: "http://[::1" }, "url 必须是 http 或 https 网址"],
    [{ accessToken: "x", url: "http://a.example:99999/" }, "url 必须是 http 或 https 网址"],
    [{ accessToken: "x", url: "https://" }, "url 必须是 http 或 https 网址"],
  ])("refuses %j: %s", (changes, detail) => {
    expect(refusalOf(parse(changes))).toContain(detail);
  });

  test("names all invalid parameters in the order of the contract and echoes no value", () => {
    const value = "secret".repeat(100);
    const detail = refusalOf(parse({ openId: value, desc: undefined, totalFree: value, url: "x" }));
    expect(detail).toBe(
      [
        "openId 不能超过 128 个字符",
        "desc 必传",
        "totalFree 必须是不小于 1 的整数（单位：分）",
        "url 必须是 http 或 https 网址",
        "accessToken 必须与 url 一起提供",
      ].join("；"),
    );
  });

  test("names five faults at most", () => {
    const detail = refusalOf(parseCreateOrder(parametersOf({ totalFree: "0" })));
    expect(detail.split("；").map((fault) => fault.split(" ")[0])).toEqual([
      "platForm",
      "openId",
      "desc",
      "totalFree",
      "tag",
    ]);
  });

  test.for<[wrong: string, meant: string]>([
    ["totalFee", "totalFree"],
    ["total_free", "totalFree"],
    ["TotalFree", "totalFree"],
    ["openid", "openId"],
    ["open_id", "openId"],
    ["opneId", "openId"],
    ["description", ""],
    ["descr", "desc"],
    ["tags", "tag"],
    ["platform", "platForm"],
    ["trade_type", "tradeType"],
  ])("names %s beside the missing parameter that was meant", ([wrong, meant]) => {
    const absent = meant === "" ? "desc" : meant;
    const detail = refusalOf(parse({ [absent]: undefined, [wrong]: "1" }));
    const suffix = meant === "" ? "" : `（收到了名称相近的 ${wrong}）`;
    expect(detail).toBe(`${absent} 必传${suffix}`);
  });

  test.for<[wrong: string, meant: string]>([
    ["appOrderno", "appOrderNo"],
    ["app_order_no", "appOrderNo"],
    ["clientIP", "clientIp"],
    ["access_token", "accessToken"],
    ["atach", "attach"],
  ])(
    "names %s, which nearly is an optional parameter, beside another fault only",
    ([wrong, meant]) => {
      expect(refusalOf(parse({ [wrong]: "1", totalFree: "0" }))).toBe(
        `totalFree 必须是不小于 1 的整数（单位：分）；${meant} 未传（收到了名称相近的 ${wrong}）`,
      );
      expect(parse({ [wrong]: "1" }).ok).toBe(true);
    },
  );

  test.for([
    "urls",
    "uid",
    "desc2",
    "tag_id",
    "note",
    "timestamp",
    "nonce",
    "appRefundNo",
    "user_id",
  ])("is silent about an app's own parameter %s", (own) => {
    expect(refusalOf(parse({ [own]: "1", totalFree: "0" }))).toBe(
      "totalFree 必须是不小于 1 的整数（单位：分）",
    );
  });
});
