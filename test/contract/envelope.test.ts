import { expect, test } from "vitest";
import { failure, success } from "../../src/contract/envelope.ts";
import { badRequest, serverFault } from "../../src/contract/refusal.ts";

test("success has data and a null errmsg", () => {
  expect(JSON.stringify(success({ orderId: 8 }))).toBe(
    '{"code":0,"errmsg":null,"data":{"orderId":8}}',
  );
});

test.each([
  [badRequest("tag 必传"), 501, "提交上来的参数错误：tag 必传"],
  [{ code: 502, detail: "请用 POST" } as const, 502, "请求方法错误：请用 POST"],
  [serverFault("可以原样重试"), 503, "服务器端运行错误：可以原样重试"],
])("failure begins errmsg with the contract's text: %j", (refusal, code, errmsg) => {
  expect(JSON.stringify(failure(refusal))).toBe(JSON.stringify({ code, errmsg, data: null }));
});
