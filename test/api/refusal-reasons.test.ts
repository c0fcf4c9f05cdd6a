import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { instrumentD1 } from "../support/d1.ts";
import { UNKNOWN } from "../support/faults.ts";
import { formOf, postSigned, read, send, signed, type Answer } from "../support/gateway.ts";
import { bindingsWithLimits } from "../support/limits.ts";
import { logLinesWith } from "../support/log-lines.ts";
import { changeApp } from "../support/operator.ts";
import { addKey, headersOf } from "../support/request-signing.ts";
import { makeOrder, makePaidOrder, ORDER, requestRefund } from "../support/scenario.ts";
import { closeScene, openScene, type Scene } from "../support/scene.ts";

const CREATE = "/pay/create-order";
const SECRET_VALUE = "a-value-that-no-log-may-have";

let scene: Scene;

beforeEach(async () => {
  scene = await openScene();
});
afterEach(closeScene);

/** The log line of the request that got this answer. */
function lineOf({ requestId }: Pick<Answer, "requestId">): Readonly<Record<string, unknown>> {
  const [line = {}] = logLinesWith(scene.logged, { event: "request", requestId });
  return line;
}

const post = async (path: string, init: RequestInit, bindings?: Env) =>
  await read(await send(path, init, bindings));

describe("the log line of a refused request", () => {
  test("has the faults and the parameters' names, without their values", async () => {
    const { desc: _absent, ...rest } = ORDER;
    const values = { ...rest, totalFree: SECRET_VALUE.slice(0, 9), clientIp: SECRET_VALUE };
    const answer = await postSigned(scene.shop, CREATE, { ...values, attach_: SECRET_VALUE });
    expect(answer.errmsg).toBe(
      "提交上来的参数错误：desc 必传；totalFree 必须是不小于 1 的整数（单位：分）；clientIp 必须是 IPv4 或 IPv6 地址；attach 未传（收到了名称相近的 attach_）",
    );
    expect(lineOf(answer)).toMatchObject({
      code: 501,
      reason: "missing desc, invalid totalFree, invalid clientIp, misspelt attach",
      app: scene.shop.appId,
    });
    expect(lineOf(answer)).not.toHaveProperty("claimedApp");
    expect(scene.logged.join()).not.toContain(SECRET_VALUE.slice(0, 9));
  });

  test("of an accepted request has no reason", async () => {
    const answer = await postSigned(scene.shop, CREATE, ORDER);
    expect(answer.code).toBe(0);
    expect(lineOf(answer)).not.toHaveProperty("reason");
    expect(lineOf(answer)).not.toHaveProperty("claimedApp");
  });

  test("tells an unknown app from a wrong sign, which the answer doesn't", async () => {
    const unknown = await post(CREATE, formOf(signed({ appId: 999_999, salt: "x" }, ORDER)));
    const wrong = await post(CREATE, formOf(signed({ ...scene.shop, salt: "x" }, ORDER)));
    expect(wrong.text).toBe(unknown.text);
    expect(lineOf(unknown)).toMatchObject({ reason: "unknown-app", claimedApp: 999_999 });
    expect(lineOf(wrong)).toMatchObject({ reason: "wrong-sign", claimedApp: scene.shop.appId });
    for (const answer of [unknown, wrong]) expect(lineOf(answer)).not.toHaveProperty("app");
  });

  test("of an unknown app is written without computing a signature", async () => {
    const digest = vi.spyOn(crypto.subtle, "digest");
    await post(CREATE, formOf(signed({ appId: 999_999, salt: "x" }, ORDER)));
    expect(digest.mock.calls.filter(([algorithm]) => algorithm === "SHA-1")).toEqual([]);
  });

  test("names a missing sign and the app that the request claims, with all other faults", async () => {
    const form = new URLSearchParams({ appId: String(scene.shop.appId), totalFree: "0" });
    const answer = await post(CREATE, formOf(form));
    expect(lineOf(answer)).toMatchObject({
      reason: "missing sign, missing platForm, missing openId, missing desc, invalid totalFree",
      claimedApp: scene.shop.appId,
    });
    expect(answer.errmsg).toMatch(/^提交上来的参数错误：sign 必传；platForm 必传；/);
  });

  test("names the address, the disabled app and the limit", async () => {
    const { shop } = scene;
    const claimedApp = shop.appId;
    await changeApp(shop, { allowedAddresses: ["203.0.113.7"] });
    const foreign = await postSigned(shop, CREATE, ORDER);
    expect(lineOf(foreign)).toMatchObject({ reason: "wrong-address", claimedApp });
    await changeApp(shop, { allowedAddresses: null, enabled: false });
    const disabled = await postSigned(shop, CREATE, ORDER);
    expect(lineOf(disabled)).toMatchObject({ reason: "disabled-app", claimedApp });
    await changeApp(shop, { enabled: true });
    const { bindings } = bindingsWithLimits({ app: 0 });
    await post(CREATE, formOf(signed(shop, ORDER)), bindings);
    const limited = await post(CREATE, formOf(signed(shop, ORDER)), bindings);
    expect(lineOf(limited)).toMatchObject({ code: 503, reason: "over-app-limit" });
  });

  test("names the step of a request signature that failed", async () => {
    const { shop } = scene;
    const key = await addKey(shop);
    await changeApp(shop, { requestSignature: "all" });
    const claimedApp = shop.appId;
    const unsigned = await postSigned(shop, CREATE, ORDER);
    expect(lineOf(unsigned)).toMatchObject({
      reason: "request-signature field-missing",
      claimedApp,
    });
    const body = signed(shop, ORDER).toString();
    const headers = headersOf(key, CREATE, `${body}&changed=1`);
    const changed = await post(CREATE, { method: "POST", headers, body });
    expect(lineOf(changed)).toMatchObject({ reason: "request-signature digest", claimedApp });
    const genuine = await post(CREATE, {
      method: "POST",
      headers: headersOf(key, CREATE, body),
      body,
    });
    expect(lineOf(genuine)).toMatchObject({ reason: "missing appOrderNo" });
  });

  test("adds the contract's faults to a number that the app's settings require", async () => {
    await changeApp(scene.shop, { requireAppOrderNo: true });
    const values = { ...ORDER, totalFree: 0, appOrderno: "A-1" };
    const answer = await postSigned(scene.shop, CREATE, values);
    expect(answer.errmsg).toBe(
      "提交上来的参数错误：appOrderNo 必传：该应用启用了 requireAppOrderNo；totalFree 必须是不小于 1 的整数（单位：分）；appOrderNo 未传（收到了名称相近的 appOrderno）",
    );
    expect(lineOf(answer)["reason"]).toBe(
      "missing appOrderNo, invalid totalFree, misspelt appOrderNo",
    );
  });

  test("names what an app's later order differs in", async () => {
    await makeOrder(scene, { appOrderNo: "A-1" });
    const repeated = { ...ORDER, appOrderNo: "A-1", totalFree: 7, desc: "another" };
    const answer = await postSigned(scene.shop, CREATE, repeated);
    expect(answer.errmsg).toBe(
      "提交上来的参数错误：desc 与 appOrderNo 首次下单时不一致；totalFree 与 appOrderNo 首次下单时不一致",
    );
    expect(lineOf(answer)["reason"]).toBe("differs desc, differs totalFree");
  });

  test("names why an order or a refund is refused, and a misspelt parameter beside it", async () => {
    const absent = await postSigned(scene.shop, "/order", { order_id: 999_999 });
    expect(lineOf(absent)["reason"]).toBe("order-absent");
    const unpaid = await requestRefund(scene, await makeOrder(scene));
    expect(lineOf(unpaid)["reason"]).toBe("order-unpaid");
    const order = await makePaidOrder(scene);
    const partial = await requestRefund(scene, order, { refundFree: 1, appRefundno: "R-1" });
    expect(lineOf(partial)["reason"]).toBe("missing appRefundNo, misspelt appRefundNo");
    expect(partial.errmsg).toContain("appRefundNo 未传（收到了名称相近的 appRefundno）");
    const over = await requestRefund(scene, order, { refundFree: 101, appRefundNo: "R-1" });
    expect(lineOf(over)["reason"]).toBe("invalid refundFree");
    await changeApp(scene.shop, { canRefund: false });
    expect(lineOf(await requestRefund(scene, order))["reason"]).toBe("refunds-off");
  });

  test("names WeChat when it gives no answer", async () => {
    scene.wechat.fail("/pay/unifiedorder", UNKNOWN, UNKNOWN);
    const answer = await postSigned(scene.shop, CREATE, ORDER);
    expect(lineOf(answer)).toMatchObject({ code: 503, reason: "unknown-at-wechat" });
  });

  test.for<[title: string, path: string, init: RequestInit, reason: string]>([
    ["another method", CREATE, { method: "GET" }, "wrong-method"],
    ["an unknown path", "/nowhere", {}, "no-such-path"],
    ["a wrong content type", CREATE, { method: "POST", body: "x" }, "wrong-content-type"],
    ["a repeated parameter", CREATE, formBody("a=1&a=2"), "repeated a"],
    ["a malformed escape", CREATE, formBody("a=%zz"), "invalid a"],
    ["a bad name", CREATE, formBody("a[]=1"), "bad-parameter-name"],
    ["a callback", CREATE, formBody("event=pay&eventId=1"), "is-callback"],
    ["a long body", CREATE, formBody(`a=${"x".repeat(20_000)}`), "body-too-large"],
  ])("names %s", async ([, path, init, reason]) => {
    expect(lineOf(await post(path, init))).toMatchObject({ reason });
  });

  test("names a gateway that isn't configured, and one that fails", async () => {
    const bindings = { ...env, MASTER_KEY: "" };
    const faulty = await post(CREATE, formOf(signed(scene.shop, ORDER)), bindings);
    expect(lineOf(faulty)).toMatchObject({ code: 503, reason: "not-configured" });
    instrumentD1().fail({ sql: /./, how: "lost before", times: 100 });
    const failed = await post("/order", formOf(signed(scene.shop, { order_id: 1 })));
    expect(lineOf(failed)).toMatchObject({ code: 503, reason: "internal-error" });
  });
});

function formBody(body: string): RequestInit {
  return { ...formOf(new URLSearchParams()), body };
}
