import { describe, expect, test } from "vitest";
import {
  describeRequestSignatureFault,
  type RequestSignatureFault,
} from "../../../src/contract/request-signature/fault.ts";

describe("describeRequestSignatureFault", () => {
  test.each<[RequestSignatureFault, string]>([
    [{ kind: "field-missing", field: "Signature-Input" }, "缺少请求头 Signature-Input"],
    [{ kind: "field-too-long", field: "Signature" }, "Signature 不能超过 4096 字节"],
    [{ kind: "field-malformed", field: "Content-Digest" }, "Content-Digest 格式错误"],
    [{ kind: "tag-missing" }, '没有 tag="wechat-pay-gateway"'],
    [{ kind: "tag-repeated" }, "只能有一个"],
    [{ kind: "value-missing" }, "没有与 Signature-Input 同名的签名值"],
    [{ kind: "parameter-missing", parameter: "expires" }, "缺少参数 expires"],
    [{ kind: "parameter-malformed", parameter: "created" }, "created 必须是整数"],
    [{ kind: "parameter-malformed", parameter: "keyid" }, "keyid 必须是带双引号的字符串"],
    [{ kind: "component-missing", component: "@path" }, '必须包含组件 "@path"'],
    [{ kind: "component-repeated" }, "只能出现一次"],
    [{ kind: "component-unsupported" }, "不支持的组件"],
    [{ kind: "covered-field-missing", field: "x-request" }, '"x-request"'],
    [{ kind: "component-value" }, "ASCII"],
    [{ kind: "unknown-key" }, "keyid 不是该应用已登记的密钥"],
    [{ kind: "algorithm" }, "alg 与该密钥登记的算法不一致"],
    [{ kind: "too-old" }, "不能超过 300 秒"],
    [{ kind: "in-future" }, "60 秒"],
    [{ kind: "expired" }, "expires 已过"],
    [{ kind: "expires-before-created" }, "不能早于 created"],
    [{ kind: "expires-too-late" }, "300 秒"],
    [{ kind: "digest-missing" }, "必须包含 sha-256"],
    [{ kind: "digest", algorithm: "sha-512" }, "sha-512 与请求体不一致"],
    [{ kind: "wrong-signature" }, "签名验证失败"],
  ])("%j says what to change", (fault, text) => {
    expect(describeRequestSignatureFault(fault)).toContain(text);
  });
});
