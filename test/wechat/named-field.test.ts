import { describe, expect, test } from "vitest";
import { ORDER_NUMBER, prepayRequest, refundRequest } from "./support/fixtures.ts";
import { answerFields } from "./support/messages.ts";
import { body, signed, stubWechat } from "./support/wechat-stub.ts";
import {
  prepayRequest as v3PrepayRequest,
  refundRequest as v3RefundRequest,
} from "./v3/support/fixtures.ts";
import { raw, stubV3 } from "./v3/support/stub.ts";

/** APIv2's texts, most of them captured, and whose fault each is: a parameter of the app's, or whose. */
const V2_PREPAY_TEXTS = [
  ["appid and openid not match", "openId"],
  ["appid和openid不匹配", "openId"],
  ["invalid openid", "openId"],
  ["Invalid OpenID", "openId"],
  ["无效的openid", "openId"],
  ["openid is invalid", "openId"],
  ["JSAPI支付必须传openid", "openId"],
  ["JSAPI支付必须传openid参数", "openId"],
  ["缺少参数openid", "openId"],
  ["sub_openid与sub_appid不匹配", "openId"],
  [
    "输入源“/body/xml/openid”映射到值字段“用户标识”字符串规则校验失败，字节数 200，大于最大值 128",
    "openId",
  ],
  ["body参数长度有误", "desc"],
  ["invalid body", "desc"],
  ["商品描述不能为空", "desc"],
  [
    "输入源“/body/xml/body”映射到值字段“商品描述”字符串规则校验失败，字节数 200，大于最大值 128",
    "desc",
  ],
  ["total_fee参数格式错误", "totalFree"],
  ["invalid total_fee", "totalFree"],
  ["输入源“/body/xml/total_fee”映射到数值字段“标价金额”规则校验失败，值低于最小值 1", "totalFree"],
  ["goods_tag参数长度有误", "tag"],
  ["attach参数长度有误", "attach"],
  ["输入源“/body/xml/attach”映射到值字段“附加数据”字符串规则校验失败", "attach"],
  ["invalid spbill_create_ip", "clientIp"],
  ["终端IP格式有误", "clientIp"],
  ["appid参数长度有误", "merchant"],
  ["appid and mch_id not match", "merchant"],
  ["商户号mch_id与appid不匹配", "merchant"],
  ["输入源“/body/xml/appid”映射到值字段“公众账号ID”字符串规则校验失败", "merchant"],
  ["签名错误", "merchant"],
  ["签名错误，请检查body、openid等参数", "merchant"],
  ["您没有JSAPI支付权限", "merchant"],
  ["invalid notify_url", "gateway"],
  ["notify_url必须为可直接访问的url，不能携带参数", "gateway"],
  ["out_trade_no参数长度有误", "gateway"],
  ["time_expire时间过短,刷卡至少1分钟,其他5分钟", "gateway"],
  ["输入源“/body/xml/notify_url”映射到值字段“通知地址”字符串规则校验失败", "gateway"],
  ["输入源“/body/xml/nonce_str”映射到值字段“随机字符串”字符串规则校验失败", "gateway"],
  ["不识别的参数key", "gateway"],
  ["request body is empty", "gateway"],
] as const;

/** The blame for what `named` says. */
function expected(named: string): object {
  return named === "merchant" || named === "gateway"
    ? { kind: "refused", blame: named }
    : { kind: "refused", blame: "request", parameter: named };
}

function fail(text: string): () => Promise<Response> {
  return body(`<xml><return_code>FAIL</return_code><return_msg>${text}</return_msg></xml>`);
}

function coded(code: string, text: string): () => Promise<Response> {
  return signed(answerFields({ result_code: "FAIL", err_code: code, err_code_des: text }));
}

describe("prepay, APIv2, a refusal that names a value", () => {
  test.each(V2_PREPAY_TEXTS)("FAIL %s: %s", async (text, named) => {
    const { wechat } = stubWechat([fail(text)]);
    const answer = await wechat.prepay(prepayRequest);
    expect(answer).toMatchObject({ code: "FAIL", message: text, ...expected(named) });
    expect("parameter" in answer).toBe("parameter" in expected(named));
  });

  test.each(["参数错误", "缺少参数", ""])("FAIL %j names nothing: ours", async (text) => {
    const { wechat } = stubWechat([fail(text)]);
    expect(await wechat.prepay(prepayRequest)).toEqual({
      kind: "refused",
      code: "FAIL",
      message: text,
      blame: "gateway",
    });
  });

  test.each(
    V2_PREPAY_TEXTS.filter(([text]) => text !== "request body is empty").flatMap(([text, named]) =>
      ["PARAM_ERROR", "INVALID_REQUEST"].map((code) => [code, text, named] as const),
    ),
  )("%s %s: %s", async (code, text, named) => {
    const { wechat } = stubWechat([coded(code, text)]);
    expect(await wechat.prepay(prepayRequest)).toMatchObject({ code, ...expected(named) });
  });

  test.each([
    ["NOAUTH", "openid无权限", "merchant"],
    ["SIGNERROR", "签名错误 openid", "merchant"],
    ["NOTENOUGH", "用户openid余额不足", "request"],
  ])("%s says by itself whose fault it is", async (code, text, blame) => {
    const { wechat } = stubWechat([coded(code, text)]);
    const refused = { kind: "refused", code, message: text, blame };
    expect(await wechat.prepay(prepayRequest)).toEqual(refused);
  });

  test.each([
    [{ openId: "a\u0000" }, "openId"],
    [{ desc: "a😀" }, "desc"],
    [{ attach: "a\r" }, "attach"],
  ] as const)("a value that can't be sent is named: %j", async (change, parameter) => {
    const { wechat } = stubWechat([]);
    const answer = await wechat.prepay({ ...prepayRequest, ...change });
    expect(answer).toMatchObject({ code: "UNSENDABLE", blame: "request", parameter });
  });
});

function v3Error(code: string, message: string, detail?: unknown): () => Promise<Response> {
  return raw(JSON.stringify({ code, message, detail }), 400, {
    "Request-ID": "08F8D6BD9D0610FE011885F18D4B20-0",
  });
}

describe("prepay, APIv3, a refusal that names a value", () => {
  test.each([
    ["appid和openid不匹配", undefined, "openId"],
    ["无效的openid", undefined, "openId"],
    [
      "输入源“/body/payer/openid”映射到值字段“用户标识”必填性规则校验失败，此字段为必填项",
      undefined,
      "openId",
    ],
    ["参数错误", { field: "/payer/openid", issue: "x", location: "body" }, "openId"],
    ["参数错误", { field: "/description" }, "desc"],
    [
      "输入源“/body/amount/total”映射到数值字段“总金额”规则校验失败，值低于最小值 1",
      { location: "body", value: 0 },
      "totalFree",
    ],
    ["参数错误", { field: "/amount/total", value: 0 }, "totalFree"],
    [
      "输入源“/body/attach”映射到值字段“附加数据”字符串规则校验失败，字节数 129，大于最大值 128",
      undefined,
      "attach",
    ],
    ["输入源“/body/goods_tag”映射到值字段“订单优惠标记”字符串规则校验失败", undefined, "tag"],
    [
      "输入源“/body/scene_info/payer_client_ip”映射到值字段“用户终端IP”字符串规则校验失败",
      undefined,
      "clientIp",
    ],
    ["输入源“/appid”映射到字段“公众号ID”必填性规则校验失败，此字段为必填项", undefined, "merchant"],
    ["参数错误", { field: "/notify_url" }, "gateway"],
    ["参数错误", { field: "/amount/currency", issue: "Currency code is invalid" }, "gateway"],
    ["输入源“/body/out_trade_no”映射到值字段“商户订单号”字符串规则校验失败", undefined, "gateway"],
    ["请求中含有未在API文档中定义的参数", { location: null, value: ["/body/payer/x"] }, "gateway"],
  ] as const)("PARAM_ERROR %s %j: %s", async (message, detail, named) => {
    for (const code of ["PARAM_ERROR", "INVALID_REQUEST"]) {
      const { wechat } = stubV3([v3Error(code, message, detail)]);
      expect(await wechat.prepay(v3PrepayRequest)).toMatchObject({ code, ...expected(named) });
    }
  });

  test.each([{ field: null }, { field: 5 }, "text", null, undefined])(
    "details of another form (%j) don't hide the error",
    async (detail) => {
      const { wechat } = stubV3([v3Error("PARAM_ERROR", "参数错误", detail)]);
      expect(await wechat.prepay(v3PrepayRequest)).toMatchObject({
        kind: "refused",
        code: "PARAM_ERROR",
        blame: "request",
      });
    },
  );
});

describe("refund, a refusal that names a value", () => {
  test.each([
    ["refund_fee参数格式错误", "refundFree"],
    ["输入源“/body/xml/refund_fee”映射到数值字段“退款金额”规则校验失败", "refundFree"],
    ["total_fee参数格式错误", "gateway"],
    ["退款金额大于剩余可退金额", "gateway"],
    ["invalid notify_url", "gateway"],
    ["out_refund_no参数长度有误", "gateway"],
    ["appid参数长度有误", "merchant"],
  ] as const)("APIv2: FAIL %s: %s", async (text, named) => {
    const { wechat } = stubWechat([fail(text)]);
    expect(await wechat.refund(refundRequest)).toMatchObject(expected(named));
  });

  test.each([
    ["/amount/refund", "refundFree"],
    ["/amount/total", "gateway"],
    ["/out_refund_no", "gateway"],
  ] as const)("APIv3: %s: %s", async (field, named) => {
    const { wechat } = stubV3([v3Error("PARAM_ERROR", "参数错误", { field })]);
    expect(await wechat.refund(v3RefundRequest)).toMatchObject(expected(named));
  });
});

describe("a query's refusal", () => {
  test("is never the app's: it sends no value of the app's", async () => {
    const { wechat } = stubWechat([fail("invalid openid")]);
    const order = { orderNumber: ORDER_NUMBER, wechatAppId: prepayRequest.wechatAppId };
    const answer = await wechat.queryPayment({ ...order, signType: "HMAC-SHA256" });
    expect(answer).toMatchObject({ kind: "refused", blame: "gateway" });
  });
});
