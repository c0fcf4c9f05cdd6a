import { describe, expect, test } from "vitest";
import { err, ok } from "../../../src/lib/result.ts";
import {
  acknowledge,
  decryptReqInfo,
  readPaymentNotification,
  readRefundNotification,
  reqInfoKey,
} from "../../../src/wechat/v2/notifications.ts";
import { cdata, readXml } from "../../../src/wechat/v2/xml.ts";
import type { V2SignType } from "../../../src/wechat/types.ts";
import vectors from "../../vectors/v2-refund-notify.json";
import xmlVectors from "../../vectors/v2-xml.json";
import { APP_ID, merchant, ORDER_NUMBER, REFUND_NO, TRANSACTION_ID } from "../support/fixtures.ts";
import {
  encryptReqInfo,
  paymentNotification,
  refundInfo,
  refundNotification,
  signedXml,
  xmlOf,
} from "../support/messages.ts";

const TYPES: V2SignType[] = ["MD5", "HMAC-SHA256"];

async function faultOf(raw: Uint8Array | string): Promise<string> {
  const result = await readPaymentNotification(raw, merchant);
  return result.ok ? "read" : result.error.kind;
}

/** The fields of this many coupons. */
function coupons(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      [`coupon_type_${at}`, "CASH"],
      [`coupon_id_${at}`, "10000"],
      [`coupon_fee_${at}`, "1"],
    ]).flat(),
  );
}

describe("notifications of strangers", () => {
  const unreadable = { error: { kind: "unreadable", detail: "too many fields" } };

  test("with fifty coupons are read, with four hundred refused before they are parsed", async () => {
    const fifty = await signedXml(paymentNotification(coupons(50)));
    expect(await faultOf(fifty)).toBe("read");
    const many = await signedXml(paymentNotification(coupons(400)));
    expect(await readPaymentNotification(many, merchant)).toMatchObject(unreadable);
    const refund = await refundNotification(refundInfo(), coupons(400));
    expect(await readRefundNotification(refund, merchant)).toMatchObject(unreadable);
  });

  test.each(["&amp;", "&", "<", "<![CDATA[]]>"])("full of %s are refused", async (mark) => {
    const content = `<a>${mark.repeat(1_200)}</a>`;
    expect(await readPaymentNotification(`<xml>${content}</xml>`, merchant)).toMatchObject(
      unreadable,
    );
  });

  test("are refused for what is encrypted, too", async () => {
    const inner = `<root><a>${"&amp;".repeat(1_200)}</a></root>`;
    const req_info = await encryptReqInfo(inner);
    const refund = await refundNotification(refundInfo(), { req_info });
    expect(await readRefundNotification(refund, merchant)).toMatchObject(unreadable);
  });

  test("with req_info of more than 16 KB aren't decrypted", async () => {
    const key = await reqInfoKey(merchant.apiKey);
    const [longest, longer] = [
      await encryptReqInfo("x".repeat(12_271)),
      await encryptReqInfo("x".repeat(12_288)),
    ];
    expect(longest.length).toBeLessThanOrEqual(16_384);
    expect(decryptReqInfo(longest, key)).toHaveLength(12_271);
    expect(longer.length).toBeGreaterThan(16_384);
    expect(decryptReqInfo(longer, key)).toBeNull();
  });
});

describe("readPaymentNotification", () => {
  test.each(TYPES)(
    "reads a notification signed with %s, and returns the algorithm",
    async (signType) => {
      const payment = {
        orderNumber: ORDER_NUMBER,
        wechatAppId: APP_ID,
        transactionId: TRANSACTION_ID,
        totalFen: 888,
        attach: "支付测试",
        paidAt: Date.UTC(2014, 8, 3, 5, 15, 40),
        signType,
      };
      const raw = await signedXml(paymentNotification(), signType);
      expect(await readPaymentNotification(raw, merchant)).toEqual({ ok: true, value: payment });
      const bytes = new TextEncoder().encode(raw);
      expect(await readPaymentNotification(bytes, merchant)).toEqual({ ok: true, value: payment });
    },
  );

  test("includes unknown fields in the signature", async () => {
    const raw = await signedXml(paymentNotification({ brand_new: "1" }));
    expect(await faultOf(raw)).toBe("read");
    expect(await faultOf(raw.replace("brand_new><![CDATA[1", "brand_new><![CDATA[2"))).toBe(
      "wrong-signature",
    );
  });

  test("doesn't require sign_type, but refuses a wrong one", async () => {
    expect(await faultOf(await signedXml(paymentNotification({ sign_type: "HMAC-SHA256" })))).toBe(
      "read",
    );
    expect(await faultOf(await signedXml(paymentNotification({ sign_type: "MD5" })))).toBe(
      "wrong-signature",
    );
  });

  test.each(
    Object.keys(paymentNotification()).filter(
      (name) => !["return_code", "result_code"].includes(name),
    ),
  )("refuses a notification with a changed %s", async (name) => {
    const raw = await signedXml(paymentNotification());
    const read = readXml(raw);
    const fields = Object.fromEntries(read.ok ? read.value : []);
    expect(await faultOf(xmlOf(fields))).toBe("read");
    expect(await faultOf(xmlOf({ ...fields, [name]: `${fields[name]}1` }))).toBe("wrong-signature");
  });

  test.each([
    ["unreadable", async () => "SUCCESS"],
    ["unreadable", async () => '{"return_code":"SUCCESS"}'],
    ["unreadable", async () => (await signedXml(paymentNotification())).slice(0, -3)],
    ["unreadable", async () => `<!DOCTYPE xml>${await signedXml(paymentNotification())}`],
    ["not-success", async () => xmlOf({ return_code: "FAIL", return_msg: "签名失败" })],
    ["not-success", async () => await signedXml(paymentNotification({ return_code: "FAIL" }))],
    ["not-success", async () => await signedXml(paymentNotification({ result_code: "FAIL" }))],
    ["not-success", async () => await signedXml(paymentNotification({ result_code: "" }))],
    ["unsigned", async () => xmlOf(paymentNotification())],
    ["unsigned", async () => xmlOf(paymentNotification({ sign: "" }))],
    ["wrong-signature", async () => xmlOf(paymentNotification({ sign: "0" }))],
    ["wrong-signature", async () => xmlOf(paymentNotification({ sign: "0".repeat(32) }))],
    ["wrong-signature", async () => await signedXml(paymentNotification(), "MD5", "0".repeat(32))],
    ["wrong-identity", async () => await signedXml(paymentNotification({ mch_id: "10000101" }))],
    ["wrong-identity", async () => await signedXml(paymentNotification({ mch_id: "" }))],
    ["malformed", async () => await signedXml(paymentNotification({ appid: "" }))],
    ["malformed", async () => await signedXml(paymentNotification({ out_trade_no: "" }))],
    ["malformed", async () => await signedXml(paymentNotification({ transaction_id: "" }))],
    [
      "malformed",
      async () => await signedXml(paymentNotification({ transaction_id: "4".repeat(33) })),
    ],
    ["malformed", async () => await signedXml(paymentNotification({ total_fee: "8.88" }))],
    ["malformed", async () => await signedXml(paymentNotification({ total_fee: "" }))],
    ["malformed", async () => await signedXml(paymentNotification({ fee_type: "USD" }))],
  ])("returns %s (case %#)", async (kind, raw) => {
    expect(await faultOf(await raw())).toBe(kind);
  });

  test("refuses the published sample, signed with another key", async () => {
    const sample = xmlVectors.vectors.find(({ name }) => name.startsWith("paysuccess"));
    const raw = new Uint8Array(Buffer.from(sample?.xml_base64 ?? "", "base64"));
    expect(await faultOf(raw)).toBe("wrong-signature");
  });
});

describe("I9: readPaymentNotification", () => {
  test("doesn't reveal the key or the correct signature", async () => {
    const raw = xmlOf(paymentNotification({ sign: "0".repeat(64) }));
    const result = JSON.stringify(await readPaymentNotification(raw, merchant));
    expect(result).not.toMatch(/[0-9a-f]{32}/i);
  });
});

describe("readRefundNotification", () => {
  const numbers = { orderNumber: ORDER_NUMBER, refundNo: REFUND_NO };

  test("decrypts with the merchant's key", async () => {
    const raw = await refundNotification(refundInfo());
    expect(await readRefundNotification(raw, merchant)).toEqual({ ok: true, value: numbers });
    expect(await readRefundNotification(new TextEncoder().encode(raw), merchant)).toMatchObject({
      ok: true,
    });
  });

  test("reads the published example", async () => {
    const inner = vectors.vectors.find(({ plaintext_xml }) => plaintext_xml !== undefined);
    const reqInfo = await encryptReqInfo(inner?.plaintext_xml ?? "");
    const raw = await refundNotification({}, { req_info: reqInfo });
    expect(await readRefundNotification(raw, merchant)).toMatchObject({
      ok: true,
      value: {
        orderNumber: "71106718111915575302817",
        refundNo: "131811191610442717309",
      },
    });
  });

  test.each([
    { refund_status: "CHANGE", success_time: "" },
    { refund_status: "REFUNDCLOSE" },
    { refund_status: "A_NEW_STATUS" },
    { refund_request_source: "VENDOR_PLATFORM" },
    { refund_request_source: "" },
    { refund_id: "" },
    { refund_id: "5".repeat(40) },
    { refund_fee: "1.00" },
    { total_fee: "0" },
  ])("needs only the two numbers: accepts %o", async (changes) => {
    const raw = await refundNotification(refundInfo(changes));
    expect(await readRefundNotification(raw, merchant)).toEqual({ ok: true, value: numbers });
  });

  test("needs no appid", async () => {
    const raw = await refundNotification(refundInfo(), { appid: "" });
    expect(await readRefundNotification(raw, merchant)).toEqual({ ok: true, value: numbers });
  });

  test.each([
    ["unreadable", async () => "<xml>"],
    ["unreadable", async () => await refundNotification(refundInfo(), { req_info: "" })],
    ["unreadable", async () => await refundNotification(refundInfo(), { req_info: "A" })],
    ["unreadable", async () => await refundNotification(refundInfo(), { req_info: "AAAA" })],
    ["unreadable", async () => await refundNotification(refundInfo(), { req_info: "中文" })],
    ["unreadable", async () => await refundNotification(refundInfo(), {}, "0".repeat(32))],
    [
      "unreadable",
      async () => await refundNotification({}, { req_info: await encryptReqInfo("<xml></xml>") }),
    ],
    [
      "unreadable",
      async () =>
        await refundNotification(
          {},
          { req_info: await encryptReqInfo('<!DOCTYPE root [<!ENTITY a "b">]><root></root>') },
        ),
    ],
    ["not-success", async () => await refundNotification(refundInfo(), { return_code: "FAIL" })],
    ["wrong-identity", async () => await refundNotification(refundInfo(), { mch_id: "10000101" })],
    ["malformed", async () => await refundNotification(refundInfo({ out_trade_no: "" }))],
    ["malformed", async () => await refundNotification(refundInfo({ out_refund_no: "" }))],
  ])("returns %s (case %#)", async (kind, raw) => {
    const result = await readRefundNotification(await raw(), merchant);
    expect(result.ok ? "read" : result.error.kind).toBe(kind);
  });

  test("decrypts as the official SDK does", () => {
    const vector = vectors.vectors.find(({ ciphertext }) => ciphertext !== undefined);
    const plain = decryptReqInfo(vector?.ciphertext ?? "", vector?.key ?? "");
    expect(plain === null ? null : new TextDecoder().decode(plain)).toBe("hello");
  });
});

describe("acknowledge, APIv2", () => {
  test("answers a success and a rejection in XML, both with status 200", () => {
    expect(acknowledge(ok(null))).toEqual({
      status: 200,
      contentType: "text/xml; charset=utf-8",
      body: "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>",
    });
    expect(acknowledge(err("try again later"))).toEqual({
      status: 200,
      contentType: "text/xml; charset=utf-8",
      body: "<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[try again later]]></return_msg></xml>",
    });
  });

  test("splits a CDATA section at its own end mark", () => {
    expect(cdata("a ]]> b")).toBe("<![CDATA[a ]]]]><![CDATA[> b]]>");
  });
});
