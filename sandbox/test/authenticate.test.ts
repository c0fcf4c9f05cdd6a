import { beforeEach, describe, expect, test } from "vitest";
import { writeXml } from "../src/v2/xml.ts";
import {
  call,
  commonParams,
  orderParams,
  refundParams,
  resetSandbox,
  send,
  signed,
  state,
  verifiedFields,
  type Params,
} from "./helpers.ts";

const ORDER = "FORM00000001";
const CALLS: [string, Params][] = [
  ["/pay/unifiedorder", orderParams(ORDER)],
  ["/pay/orderquery", commonParams({ out_trade_no: ORDER })],
  ["/pay/closeorder", commonParams({ out_trade_no: ORDER })],
  ["/secapi/pay/refund", refundParams(ORDER, "REFUND1")],
  ["/pay/refundquery", commonParams({ out_trade_no: ORDER })],
];

beforeEach(resetSandbox);

/** The return_msg of an unsigned FAIL, after checking its fields. */
async function failureMessage(
  path: string,
  body: BodyInit | null,
  method = "POST",
): Promise<string> {
  const response = await send(path, body, method);
  expect(response.status).toBe(200);
  const fields = verifiedFields(await response.text());
  expect(fields["return_code"]).toBe("FAIL");
  return fields["return_msg"] ?? "";
}

const xml = (params: Params): string => writeXml(Object.entries(params));

describe.each(CALLS)("APIv2 call %s", (path, params) => {
  test("refuses methods other than POST", async () => {
    expect(await failureMessage(path, null, "GET")).toBe("请使用post方法");
    expect(await failureMessage(path, xml(signed(params)), "PUT")).toBe("请使用post方法");
  });

  test("refuses an empty body", async () => {
    expect(await failureMessage(path, "")).toBe("post数据为空");
  });

  test.each([
    ["not XML", "a=1"],
    ["another root", "<root><appid>1</appid></root>"],
    ["a DOCTYPE", "<!DOCTYPE xml><xml></xml>"],
    ["a repeated name", "<xml><appid>1</appid><appid>1</appid></xml>"],
    ["nesting", "<xml><appid><a>1</a></appid></xml>"],
    ["a body that is too large", `<xml><appid>${"1".repeat(65_536)}</appid></xml>`],
  ])("refuses malformed XML: %s", async (_what, body) => {
    expect(await failureMessage(path, body)).toBe("XML格式错误");
  });

  test("refuses a body that is not UTF-8", async () => {
    expect(await failureMessage(path, new Uint8Array([0x3c, 0xff, 0x3e]))).toBe("编码格式错误");
  });

  test("requires mch_id and sign first", async () => {
    const { mch_id: _mchId, ...withoutMchId } = params;
    expect(await failureMessage(path, xml(signed(withoutMchId)))).toBe("缺少参数mch_id");
    expect(await failureMessage(path, xml(params))).toBe("缺少参数sign");
  });

  test("refuses an unknown merchant", async () => {
    const unknown = { ...params, mch_id: "1900000999" };
    expect(await failureMessage(path, xml(signed(unknown)))).toBe("商户号mch_id不存在");
  });

  test("refuses any sign_type other than MD5 and HMAC-SHA256", async () => {
    for (const signType of ["md5", "hmac_sha256", "SHA256"]) {
      const changed = { ...params, sign_type: signType };
      expect(await failureMessage(path, xml(signed(changed)))).toBe("invalid sign_type");
    }
  });

  test("refuses a wrong sign", async () => {
    const valid = signed(params);
    const sign = valid["sign"] ?? "";
    const invalid = [
      { ...valid, sign: sign.toLowerCase() },
      { ...valid, sign: sign.slice(0, -1) },
      { ...valid, sign: `${sign}${sign}` },
      { ...valid, nonce_str: "another" },
      { ...valid, sign_type: "HMAC-SHA256" },
      signed(params, "another0key0of0thirtytwo0letters"),
    ];
    for (const wrong of invalid) expect(await failureMessage(path, xml(wrong))).toBe("签名错误");
  });

  test("refuses an unknown parameter", async () => {
    const response = await call(path, { ...params, sub_mch_id: "1" });
    expect(response).toMatchObject({ result_code: "FAIL", err_code: "PARAM_ERROR" });
    expect(response["err_code_des"]).toBe("不识别的参数sub_mch_id");
  });

  test.each(Object.keys(params).filter((name) => name !== "mch_id" && name !== "notify_url"))(
    "requires %s",
    async (name) => {
      const { [name]: _left, ...rest } = params;
      const response = await call(path, rest);
      expect(response).toMatchObject({ result_code: "FAIL", err_code: "LACK_PARAMS" });
      expect(response["err_code_des"]).toContain(name);
      expect(await call(path, { ...rest, [name]: "" })).toMatchObject({ err_code: "LACK_PARAMS" });
    },
  );

  test("requires an appid of the merchant", async () => {
    const response = await call(path, { ...params, appid: "wx0000000000000000" });
    expect(response).toMatchObject({ result_code: "FAIL", err_code: "APPID_MCHID_NOT_MATCH" });
  });

  test("requires a nonce of letters and digits", async () => {
    for (const nonce of ["a-b", "x".repeat(33)]) {
      const response = await call(path, { ...params, nonce_str: nonce });
      expect(response).toMatchObject({
        err_code: "PARAM_ERROR",
        err_code_des: "invalid nonce_str",
      });
    }
  });

  test("logs every call with its outcome", async () => {
    await send(path, null, "GET");
    await call(path, { ...params, sub_mch_id: "1" });
    const { calls } = await state();
    expect(calls.map((it) => [it.path, it.outcome])).toEqual([
      [path, "PARAM_ERROR: 不识别的参数sub_mch_id"],
      [path, "FAIL REQUIRE_POST_METHOD: 请使用post方法"],
    ]);
  });
});

test("a failure is signed with the sign_type of the call", async () => {
  const params = commonParams({ out_trade_no: "ABSENT0001", sign_type: "HMAC-SHA256" });
  const response = await call("/pay/orderquery", params);
  expect(response).toMatchObject({ err_code: "ORDERNOTEXIST" });
  expect(response["sign"]).toHaveLength(64);
});

test("a response has the appid and mch_id of the call and a new nonce", async () => {
  const params = commonParams({ out_trade_no: "ABSENT0001" });
  const first = await call("/pay/orderquery", params);
  const second = await call("/pay/orderquery", params);
  expect(first).toMatchObject({ appid: params["appid"], mch_id: params["mch_id"] });
  expect(first["nonce_str"]).not.toBe(second["nonce_str"]);
});

test("an unknown path responds with an HTML page", async () => {
  const response = await send("/pay/micropay", xml(signed(commonParams())));
  expect(response.status).toBe(404);
  expect(await response.text()).toContain("<html>");
});
