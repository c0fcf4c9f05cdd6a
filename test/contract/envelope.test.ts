import { expect, test } from "vitest";
import { failure, success } from "../../src/contract/envelope.ts";
import { badRequest, METHOD_REFUSED, serverFault } from "../../src/contract/refusal.ts";

test("success has data and a null errmsg", () => {
  expect(JSON.stringify(success({ orderId: 8 }))).toBe(
    '{"code":0,"errmsg":null,"data":{"orderId":8}}',
  );
});

test.each([
  [
    badRequest("tag 必传", { fault: "missing", parameter: "tag" }),
    501,
    "提交上来的参数错误：tag 必传",
  ],
  [METHOD_REFUSED, 502, "请求方法错误：只接受 POST"],
  [serverFault("可以原样重试", "internal-error"), 503, "服务器端运行错误：可以原样重试"],
])("failure begins errmsg with the contract's text: %j", (refusal, code, errmsg) => {
  expect(JSON.stringify(failure(refusal))).toBe(JSON.stringify({ code, errmsg, data: null }));
});
