import { gunzipSync } from "node:zlib";
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { LINES_PER_PIECE } from "../src/bill/filler.ts";
import {
  armBillFault,
  billText,
  changeSettings,
  fetchBill,
  fetchBillFailure,
  numbersIn,
  parseBill,
  requestBill,
} from "./bill-helpers.ts";
import { control, placePaidOrder, requestRefund, resetSandbox, state } from "./helpers.ts";
import { armFault, callV3, fetchV3 } from "./v3-helpers.ts";

const NUMBER = "BILLFAULT0001";
const OTHER = "BILLFAULT0002";
const TRADEBILL = "/v3/bill/tradebill?bill_date=2100-01-01";

beforeEach(async () => {
  await resetSandbox();
  await placePaidOrder(NUMBER);
  await placePaidOrder(OTHER);
  await requestRefund(NUMBER, "R1");
});

const armedFaultCount = async (): Promise<number> => (await state()).faults.length;

describe("bill fault missing-line", () => {
  test("omits a payment once, from the summary too", async () => {
    await armBillFault("missing-line", { outTradeNo: NUMBER });
    const { rows, summary } = await fetchBill();
    expect(rows.map((row) => [row["商户订单号"], row["交易状态"]])).toEqual([
      [OTHER, "SUCCESS"],
      [NUMBER, "REFUND"],
    ]);
    expect(summary).toMatchObject({ 总交易单数: "2", 订单总金额: "1.00" });
    expect(numbersIn(await fetchBill())).toEqual([NUMBER, OTHER, "R1"]);
  });

  test("omits a refund", async () => {
    await armBillFault("missing-line", { outRefundNo: "R1", times: 2 });
    expect(numbersIn(await fetchBill())).toEqual([NUMBER, OTHER]);
    expect(numbersIn(await fetchBill())).toEqual([NUMBER, OTHER]);
    expect(await armedFaultCount()).toBe(0);
  });

  test("stays armed until a bill has the line", async () => {
    await armBillFault("missing-line", { outTradeNo: NUMBER });
    await fetchBill({ bill_type: "REFUND" });
    expect(await armedFaultCount()).toBe(1);
  });

  test("leaves no bill when it omits the only line", async () => {
    await armBillFault("missing-line", { outRefundNo: "R1" });
    expect(await fetchBillFailure({ bill_type: "REFUND" })).toMatchObject({ error_code: "20002" });
  });
});

describe("bill fault wrong-amount", () => {
  test("adds one fen to a payment", async () => {
    await armBillFault("wrong-amount", { outTradeNo: NUMBER });
    const { rows, summary } = await fetchBill();
    expect(rows[0]).toMatchObject({ 商户订单号: NUMBER, 订单金额: "1.01", 应结订单金额: "1.01" });
    expect(summary["订单总金额"]).toBe("2.01");
  });

  test("adds one fen to a refund", async () => {
    await armBillFault("wrong-amount", { outRefundNo: "R1" });
    const { rows } = await fetchBill({ bill_type: "REFUND" });
    expect(rows[0]).toMatchObject({ 申请退款金额: "0.41", 退款金额: "0.41" });
  });
});

describe("bill fault extra-line", () => {
  test("adds an unknown payment", async () => {
    await armBillFault("extra-line");
    const { rows, summary } = await fetchBill();
    expect(rows.at(-1)).toMatchObject({
      商户订单号: expect.stringMatching(/^UNKNOWN[0-9a-f]{24}$/),
      交易时间: "2100-01-01 12:00:00",
      交易状态: "SUCCESS",
      订单金额: "1.00",
    });
    expect(summary).toMatchObject({ 总交易单数: "4", 订单总金额: "3.00" });
  });

  test("adds an unknown refund of the named order when it names a refund", async () => {
    await armBillFault("extra-line", { outTradeNo: "STRANGE00001", outRefundNo: "SR1" });
    expect(numbersIn(await fetchBill({ bill_type: "SUCCESS" }))).toEqual([NUMBER, OTHER]);
    const { rows } = await fetchBill({ bill_type: "REFUND" });
    expect(rows[1]).toMatchObject({
      商户订单号: "STRANGE00001",
      商户退款单号: "SR1",
      退款状态: "SUCCESS",
      申请退款金额: "1.00",
    });
  });
});

test("a bill applies every armed fault of its lines", async () => {
  await armBillFault("missing-line", { outTradeNo: NUMBER });
  await armBillFault("missing-line", { outRefundNo: "R1" });
  await armBillFault("wrong-amount", { outTradeNo: OTHER });
  await armBillFault("extra-line", { outTradeNo: "STRANGE00001" });
  await armBillFault("extra-line", { outTradeNo: "STRANGE00002" });
  const read = await fetchBill();
  expect(numbersIn(read)).toEqual([OTHER, "STRANGE00001", "STRANGE00002"]);
  expect(read.rows[0]).toMatchObject({ 订单金额: "1.01" });
  expect(await armedFaultCount()).toBe(0);
});

test("bill fault creating precedes other faults and applies as often as armed in both protocols", async () => {
  await armBillFault("missing-line", { outTradeNo: NUMBER });
  await armBillFault("creating", { times: 2 });
  expect(await fetchBillFailure()).toMatchObject({
    return_code: "FAIL",
    return_msg: "Bill Creating",
  });
  expect(await callV3("GET", TRADEBILL)).toMatchObject({
    status: 400,
    json: { code: "STATEMENT_CREATING" },
  });
  expect(numbersIn(await fetchBill())).toEqual([OTHER, "R1"]);
});

test("a bill fault with mchId applies to that merchant only", async () => {
  await armBillFault("creating", { mchId: "1900000110" });
  expect(numbersIn(await fetchBill())).toHaveLength(3);
  await armBillFault("creating", { mchId: "1900000109" });
  expect(await fetchBillFailure()).toMatchObject({ return_msg: "Bill Creating" });
  expect((await state()).faults).toMatchObject([
    { on: "bill", fault: "creating", mchId: "1900000110", times: 1 },
  ]);
});

describe("a fault of a bill's file", () => {
  test("truncated: the gzip ends early", async () => {
    await armBillFault("truncated");
    const response = await requestBill({ tar_type: "GZIP" });
    const file = new Uint8Array(await response.arrayBuffer());
    expect(Buffer.from(file.subarray(0, 2)).toString("hex")).toBe("1f8b");
    expect(() => gunzipSync(file)).toThrow("unexpected end of file");
  });

  test("truncated: the text lacks its summary", async () => {
    const whole = Buffer.from(await billText(), "utf8");
    await armBillFault("truncated");
    const cut = new Uint8Array(await (await requestBill()).arrayBuffer());
    expect(Buffer.compare(cut, whole.subarray(0, whole.byteLength - 200))).toBe(0);
    expect(Buffer.from(cut).toString("utf8")).not.toContain("总交易单数");
  });

  test("not-gzip: the file is text although gzip was requested", async () => {
    await armBillFault("not-gzip");
    await fetchBill();
    expect(await armedFaultCount()).toBe(1);
    const response = await requestBill({ tar_type: "GZIP" });
    expect(numbersIn(parseBill(await response.text()))).toHaveLength(3);
  });

  test("html-page: the file is an HTML page", async () => {
    await armBillFault("html-page");
    expect(await (await requestBill({ tar_type: "GZIP" })).text()).toMatch(/^<html>/);
  });

  test("applies to every download in APIv3", async () => {
    for (const [fault, beginning] of [
      ["html-page", "<html>"],
      ["not-gzip", "交易时间"],
    ] as const) {
      await armBillFault(fault);
      const { json } = await callV3("GET", `${TRADEBILL}&tar_type=GZIP`);
      const url = new URL(String(json["download_url"]));
      for (let count = 0; count < 2; count++) {
        const file = await fetchV3("GET", url.pathname + url.search);
        expect((await file.text()).replace("\uFEFF", "").startsWith(beginning)).toBe(true);
      }
    }
  });
});

test("bill fault wrong-hash applies to APIv3 only", async () => {
  await armBillFault("wrong-hash");
  await fetchBill();
  const wrong = await callV3("GET", TRADEBILL);
  const right = await callV3("GET", TRADEBILL);
  expect(wrong.json["hash_value"]).toMatch(/^[0-9a-f]{40}$/);
  expect(wrong.json["hash_value"]).not.toBe(right.json["hash_value"]);
});

describe("a call fault of downloadbill", () => {
  test.each([
    ["systemerror", {}, { return_msg: "SYSTEMERROR", error_code: "SYSTEMERROR" }],
    ["refuse", { errCode: "20001" }, { return_msg: "20001", error_code: "20001" }],
    [
      "refuse",
      { errCode: "20007", errCodeDes: "UnCompressGZip Error" },
      { return_msg: "UnCompressGZip Error", error_code: "20007" },
    ],
  ])(
    "%s %j responds with this call's error fields and generates no bill",
    async (fault, more, expected) => {
      await armBillFault("extra-line");
      await armFault({ on: "call", path: "downloadbill", fault, ...more });
      expect(await fetchBillFailure()).toEqual({ return_code: "FAIL", ...expected });
      expect(await armedFaultCount()).toBe(1);
    },
  );

  test("http-500 and html-page respond with HTML pages", async () => {
    await armFault({ on: "call", path: "downloadbill", fault: "http-500" });
    expect((await requestBill()).status).toBe(500);
    await armFault({ on: "call", path: "downloadbill", fault: "html-page" });
    expect(await (await requestBill()).text()).toMatch(/^<html>/);
  });

  test("drop-after breaks the connection after the start of a bill", async () => {
    await armFault({ on: "call", path: "downloadbill", fault: "drop-after" });
    await expect((await requestBill()).text()).rejects.toThrow("the connection is lost");
  });
});

describe("billExtraLines", () => {
  test.each([1, LINES_PER_PIECE - 1, LINES_PER_PIECE, 2 * LINES_PER_PIECE + 1])(
    "adds %d lines in the format of the others",
    async (count) => {
      await changeSettings({ billExtraLines: count });
      const { rows, summary } = await fetchBill({ tar_type: "GZIP" });
      expect(rows).toHaveLength(3 + count);
      expect(new Set(rows.map((row) => row["微信订单号"])).size).toBe(2 + count);
      expect(rows.at(-1)).toEqual({
        ...rows[1],
        交易时间: "2100-01-01 12:00:00",
        微信订单号: expect.stringMatching(/^420000000021000101\d{10}$/),
        商户订单号: `FILLER21000101${String(count - 1).padStart(10, "0")}`,
        商品名称: "A trade that fills the bill",
        用户标识: "oFiller00000000000000000000",
        应结订单金额: "0.01",
        订单金额: "0.01",
        手续费: "0.00000",
      });
      const paid = 200 + count;
      expect(summary).toMatchObject({
        总交易单数: String(3 + count),
        订单总金额: `${Math.floor(paid / 100)}.${String(paid % 100).padStart(2, "0")}`,
      });
    },
  );

  test("adds lines to a bill without trades, but not to a bill of refunds", async () => {
    await changeSettings({ billExtraLines: 2 });
    expect((await fetchBill({ bill_date: "20991231" })).rows).toHaveLength(2);
    expect(await fetchBillFailure({ bill_date: "20991231", bill_type: "REFUND" })).toMatchObject({
      error_code: "20002",
    });
  });
});

test.each([2 * LINES_PER_PIECE, 2 * LINES_PER_PIECE + 1])(
  "a bill of %d stored lines is delivered in pieces, in order",
  async (lines) => {
    const copies = lines - 3;
    await runInDurableObject(env.LEDGER.getByName("wechat"), (_ledger, { storage }) => {
      storage.sql.exec(
        `with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ?)
         insert into orders
         select mch_id, 'COPY' || (10000000 + n), app_id, sign_type, terms, params, total_fee,
           state, 'T' || n, prepay_calls, created_at, expires_at, paid_at + n
         from orders, numbers where out_trade_no = ?`,
        copies,
        NUMBER,
      );
    });
    const read = await fetchBill({ tar_type: "GZIP" });
    const numbers = Array.from({ length: copies }, (_, n) => `COPY${10_000_001 + n}`);
    expect(numbersIn(read)).toEqual([NUMBER, OTHER, ...numbers, "R1"]);
    expect(read.summary).toMatchObject({ 总交易单数: String(lines) });
    await runInDurableObject(env.LEDGER.getByName("wechat"), (_ledger, { storage }) => {
      const pieces = storage.sql.exec("select text from bill_pieces");
      expect([...pieces]).toHaveLength(Math.ceil(lines / LINES_PER_PIECE));
    });
  },
);

test("a download breaks off when the sandbox is reset", async () => {
  const { json } = await callV3("GET", TRADEBILL);
  const url = new URL(String(json["download_url"]));
  const response = await fetchV3("GET", url.pathname + url.search);
  await control("POST", "/reset");
  await expect(response.text()).rejects.toThrow();
});
