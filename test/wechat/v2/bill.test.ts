import { describe, expect, test } from "vitest";
import samples from "../../vectors/bill-samples.json";
import type { BillAnswer } from "../../../src/wechat/types.ts";
import { verifySign } from "../../../src/wechat/v2/sign.ts";
import { API_KEY, APP_ID, merchant } from "../support/fixtures.ts";
import { xmlOf } from "../support/messages.ts";
import { body, stubWechat, unreachable } from "../support/wechat-stub.ts";

const REQUEST = { day: "2026-11-20", wechatAppId: APP_ID };

async function openBill(...answers: Parameters<typeof stubWechat>[0]): Promise<BillAnswer> {
  return await stubWechat(answers).wechat.openBill(REQUEST);
}

const fails = (message: string, code = "") =>
  body(
    xmlOf({
      return_code: "FAIL",
      return_msg: message,
      ...(code === "" ? {} : { error_code: code }),
    }),
  );

describe("openBill over APIv2", () => {
  test.each(["MD5", "HMAC-SHA256"] as const)(
    "requests all trades of a day, gzipped, signed with %s",
    async (signType) => {
      const { wechat, sent } = stubWechat([body("bytes")], { merchant: { signType } });
      const answer = await wechat.openBill(REQUEST);
      expect(answer).toMatchObject({ kind: "opened", sha1: null });
      const [request] = sent;
      expect(request?.url).toBe("https://wechat.test/pay/downloadbill");
      const fields = request?.fields ?? new Map();
      expect(Object.fromEntries(fields)).toEqual({
        appid: APP_ID,
        mch_id: merchant.mchId,
        nonce_str: expect.stringMatching(/^[0-9a-f]{32}$/),
        sign_type: signType,
        bill_date: "20261120",
        bill_type: "ALL",
        tar_type: "GZIP",
        sign: expect.any(String),
      });
      expect(await verifySign(fields, API_KEY)).toBe(signType);
    },
  );

  test("passes the bill through unchanged, whatever its first bytes", async () => {
    for (const bytes of [
      new Uint8Array([0x1f, 0x8b, 8, 0]),
      new TextEncoder().encode("\uFEFF交易时间\r\n"),
      new TextEncoder().encode("交"),
    ]) {
      const answer = await openBill(body(bytes));
      if (answer.kind !== "opened") throw new Error(answer.kind);
      expect(new Uint8Array(await new Response(answer.stream).arrayBuffer())).toEqual(bytes);
    }
  });

  test("recognises an empty day by a recorded message", async () => {
    const recorded = samples.vectors.find(({ name }) => name === "V2 downloadbill no-bill error");
    expect(await openBill(body(recorded?.xml ?? ""))).toEqual({ kind: "empty" });
  });

  test.each<[string, string, BillAnswer["kind"]]>([
    ["NO Bill Exist", "", "empty"],
    ["no bill exist", "20002", "empty"],
    ["Bill Creating", "", "creating"],
    ["bill creating", "20002x", "creating"],
    ["invalid bill_type", "20001", "refused"],
    ["data format error", "20001", "refused"],
    ["missing parameter", "20001", "refused"],
    ["SIGN ERROR", "20001", "refused"],
    ["CompressGZip Error", "20003", "unknown"],
    ["UnCompressGZip Error", "20007", "unknown"],
    ["system error", "SYSTEMERROR", "unknown"],
    ["busy", "SYSTEMERROR", "unknown"],
    ["something new", "20009", "refused"],
  ])("maps %j (%s) to %s", async (message, code, kind) => {
    expect((await openBill(fails(message, code))).kind).toBe(kind);
  });

  test("attributes a wrong signature to the merchant's settings", async () => {
    expect(await openBill(fails("SIGN ERROR", "20001"))).toMatchObject({ blame: "merchant" });
  });

  test.each([
    ["an empty answer", [body("")]],
    ["HTTP 500", [body("bytes", 500)]],
    ["an HTML page", [body("<html><body>404</body></html>")]],
    ["an endless error", [body(`<xml>${"x".repeat(70_000)}`)]],
    ["no connection", [unreachable(), unreachable()]],
  ])("returns unknown for %s", async (_name, answers) => {
    expect((await openBill(...answers)).kind).toBe("unknown");
  });
});
