import { beforeEach, describe, expect, test } from "vitest";
import { writeXml } from "../src/v2/xml.ts";
import {
  checkedFields,
  common,
  freshSandbox,
  orderParams,
  refundParams,
  send,
  signed,
  state,
  call,
  type Params,
} from "./helpers.ts";

const ORDER = "FORM00000001";
const CALLS: [string, Params][] = [
  ["/pay/unifiedorder", orderParams(ORDER)],
  ["/pay/orderquery", common({ out_trade_no: ORDER })],
  ["/pay/closeorder", common({ out_trade_no: ORDER })],
  ["/secapi/pay/refund", refundParams(ORDER, "REFUND1")],
  ["/pay/refundquery", common({ out_trade_no: ORDER })],
];

beforeEach(freshSandbox);

/** The return_msg of a rejection, whose shape is checked. */
async function rejection(path: string, body: BodyInit | null, method = "POST"): Promise<string> {
  const response = await send(path, body, method);
  expect(response.status).toBe(200);
  const fields = checkedFields(await response.text());
  expect(fields["return_code"]).toBe("FAIL");
  return fields["return_msg"] ?? "";
}

const xml = (params: Params): string => writeXml(Object.entries(params));

describe.each(CALLS)("%s", (path, params) => {
  test("takes no other method than POST", async () => {
    expect(await rejection(path, null, "GET")).toBe("请使用post方法");
    expect(await rejection(path, xml(signed(params)), "PUT")).toBe("请使用post方法");
  });

  test("takes no empty body", async () => {
    expect(await rejection(path, "")).toBe("post数据为空");
  });

  test.each([
    ["no XML", "a=1"],
    ["another root", "<root><appid>1</appid></root>"],
    ["a DOCTYPE", "<!DOCTYPE xml><xml></xml>"],
    ["a repeated name", "<xml><appid>1</appid><appid>1</appid></xml>"],
    ["nesting", "<xml><appid><a>1</a></appid></xml>"],
    ["too much", `<xml><appid>${"1".repeat(65_536)}</appid></xml>`],
  ])("takes no malformed XML: %s", async (_what, body) => {
    expect(await rejection(path, body)).toBe("XML格式错误");
  });

  test("takes nothing but UTF-8", async () => {
    expect(await rejection(path, new Uint8Array([0x3c, 0xff, 0x3e]))).toBe("编码格式错误");
  });

  test("wants mch_id and sign before anything else", async () => {
    const { mch_id: _mchId, ...anonymous } = params;
    expect(await rejection(path, xml(signed(anonymous)))).toBe("缺少参数mch_id");
    expect(await rejection(path, xml(params))).toBe("缺少参数sign");
  });

  test("knows its merchants", async () => {
    const stranger = { ...params, mch_id: "1900000999" };
    expect(await rejection(path, xml(signed(stranger)))).toBe("商户号mch_id不存在");
  });

  test("knows two sign types, to the letter", async () => {
    for (const signType of ["md5", "hmac_sha256", "SHA256"]) {
      const odd = { ...params, sign_type: signType };
      expect(await rejection(path, xml(signed(odd)))).toBe("invalid sign_type");
    }
  });

  test("takes no wrong sign", async () => {
    const good = signed(params);
    const sign = good["sign"] ?? "";
    const bad = [
      { ...good, sign: sign.toLowerCase() },
      { ...good, sign: sign.slice(0, -1) },
      { ...good, sign: `${sign}${sign}` },
      { ...good, nonce_str: "another" },
      { ...good, sign_type: "HMAC-SHA256" },
      signed(params, "another0key0of0thirtytwo0letters"),
    ];
    for (const wrong of bad) expect(await rejection(path, xml(wrong))).toBe("签名错误");
  });

  test("takes no unknown parameter", async () => {
    const answer = await call(path, { ...params, sub_mch_id: "1" });
    expect(answer).toMatchObject({ result_code: "FAIL", err_code: "PARAM_ERROR" });
    expect(answer["err_code_des"]).toBe("不识别的参数sub_mch_id");
  });

  test.each(Object.keys(params).filter((name) => name !== "mch_id" && name !== "notify_url"))(
    "wants %s",
    async (name) => {
      const { [name]: _left, ...rest } = params;
      const answer = await call(path, rest);
      expect(answer).toMatchObject({ result_code: "FAIL", err_code: "LACK_PARAMS" });
      expect(answer["err_code_des"]).toContain(name);
      expect(await call(path, { ...rest, [name]: "" })).toMatchObject({ err_code: "LACK_PARAMS" });
    },
  );

  test("wants an appid that is bound to the merchant", async () => {
    const answer = await call(path, { ...params, appid: "wx0000000000000000" });
    expect(answer).toMatchObject({ result_code: "FAIL", err_code: "APPID_MCHID_NOT_MATCH" });
  });

  test("wants a nonce of letters and digits", async () => {
    for (const nonce of ["a-b", "x".repeat(33)]) {
      const answer = await call(path, { ...params, nonce_str: nonce });
      expect(answer).toMatchObject({ err_code: "PARAM_ERROR", err_code_des: "invalid nonce_str" });
    }
  });

  test("records every call with what it came to", async () => {
    await send(path, null, "GET");
    await call(path, { ...params, sub_mch_id: "1" });
    const { calls } = await state();
    expect(calls.map((it) => [it.path, it.outcome])).toEqual([
      [path, "PARAM_ERROR: 不识别的参数sub_mch_id"],
      [path, "FAIL REQUIRE_POST_METHOD: 请使用post方法"],
    ]);
  });
});

test("a refusal is signed with the request's sign type", async () => {
  const params = common({ out_trade_no: "ABSENT0001", sign_type: "HMAC-SHA256" });
  const answer = await call("/pay/orderquery", params);
  expect(answer).toMatchObject({ err_code: "ORDERNOTEXIST" });
  expect(answer["sign"]).toHaveLength(64);
});

test("an answer tells who is spoken to and has a fresh nonce", async () => {
  const params = common({ out_trade_no: "ABSENT0001" });
  const first = await call("/pay/orderquery", params);
  const second = await call("/pay/orderquery", params);
  expect(first).toMatchObject({ appid: params["appid"], mch_id: params["mch_id"] });
  expect(first["nonce_str"]).not.toBe(second["nonce_str"]);
});

test("an unknown path is a page, not XML", async () => {
  const response = await send("/pay/micropay", xml(signed(common())));
  expect(response.status).toBe(404);
  expect(await response.text()).toContain("<html>");
});
