import { describe, expect, it } from "vitest";
import samples from "../../vectors/bill-samples.json";
import type { BillAnswer } from "../../../src/wechat/types.ts";
import { verifySign } from "../../../src/wechat/v2/sign.ts";
import { API_KEY, APP_ID, merchant } from "../support/fixtures.ts";
import { xmlOf } from "../support/messages.ts";
import { body, stubWechat, unreachable } from "../support/wechat-stub.ts";

const REQUEST = { day: "2026-11-20", wechatAppId: APP_ID };

async function ask(...answers: Parameters<typeof stubWechat>[0]): Promise<BillAnswer> {
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
  it.each(["MD5", "HMAC-SHA256"] as const)(
    "asks for all trades of a day, gzipped, signed by %s",
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

  it("hands the bill over byte by byte, whatever it begins with", async () => {
    for (const bytes of [
      new Uint8Array([0x1f, 0x8b, 8, 0]),
      new TextEncoder().encode("\uFEFF交易时间\r\n"),
      new TextEncoder().encode("交"),
    ]) {
      const answer = await ask(body(bytes));
      if (answer.kind !== "opened") throw new Error(answer.kind);
      expect(new Uint8Array(await new Response(answer.stream).arrayBuffer())).toEqual(bytes);
    }
  });

  it("knows an empty day by the message that was seen in life", async () => {
    const seen = samples.vectors.find(({ name }) => name === "V2 downloadbill no-bill error");
    expect(await ask(body(seen?.xml ?? ""))).toEqual({ kind: "empty" });
  });

  it.each<[string, string, BillAnswer["kind"]]>([
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
  ])("takes %j (%s) for %s", async (message, code, kind) => {
    expect((await ask(fails(message, code))).kind).toBe(kind);
  });

  it("blames the merchant's settings for a wrong signature", async () => {
    expect(await ask(fails("SIGN ERROR", "20001"))).toMatchObject({ blame: "merchant" });
  });

  it.each([
    ["an empty answer", [body("")]],
    ["HTTP 500", [body("bytes", 500)]],
    ["a page", [body("<html><body>404</body></html>")]],
    ["an error without end", [body(`<xml>${"x".repeat(70_000)}`)]],
    ["nobody there", [unreachable(), unreachable()]],
  ])("is unknown with %s", async (_name, answers) => {
    expect((await ask(...answers)).kind).toBe("unknown");
  });
});
