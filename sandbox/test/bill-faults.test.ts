import { gunzipSync } from "node:zlib";
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { LINES_A_PIECE } from "../src/bill/filler.ts";
import {
  armBill,
  askForBill,
  bill,
  billText,
  change,
  noBill,
  numbersIn,
  readBill,
} from "./bill-helpers.ts";
import { control, freshSandbox, placePaidOrder, requestRefund, state } from "./helpers.ts";
import { arm, call3, fetch3 } from "./v3-helpers.ts";

const NUMBER = "BILLFAULT0001";
const OTHER = "BILLFAULT0002";
const TRADEBILL = "/v3/bill/tradebill?bill_date=2100-01-01";

beforeEach(async () => {
  await freshSandbox();
  await placePaidOrder(NUMBER);
  await placePaidOrder(OTHER);
  await requestRefund(NUMBER, "R1");
});

const left = async (): Promise<number> => (await state()).faults.length;

describe("missing-line", () => {
  test("leaves a payment out, once, and the summary knows nothing of it", async () => {
    await armBill("missing-line", { outTradeNo: NUMBER });
    const { rows, summary } = await bill();
    expect(rows.map((row) => [row["商户订单号"], row["交易状态"]])).toEqual([
      [OTHER, "SUCCESS"],
      [NUMBER, "REFUND"],
    ]);
    expect(summary).toMatchObject({ 总交易单数: "2", 订单总金额: "1.00" });
    expect(numbersIn(await bill())).toEqual([NUMBER, OTHER, "R1"]);
  });

  test("leaves a refund out", async () => {
    await armBill("missing-line", { outRefundNo: "R1", times: 2 });
    expect(numbersIn(await bill())).toEqual([NUMBER, OTHER]);
    expect(numbersIn(await bill())).toEqual([NUMBER, OTHER]);
    expect(await left()).toBe(0);
  });

  test("waits for a bill that has the line", async () => {
    await armBill("missing-line", { outTradeNo: NUMBER });
    await bill({ bill_type: "REFUND" });
    expect(await left()).toBe(1);
  });

  test("of the only line leaves no bill", async () => {
    await armBill("missing-line", { outRefundNo: "R1" });
    expect(await noBill({ bill_type: "REFUND" })).toMatchObject({ error_code: "20002" });
  });
});

describe("wrong-amount", () => {
  test("is one fen more of a payment", async () => {
    await armBill("wrong-amount", { outTradeNo: NUMBER });
    const { rows, summary } = await bill();
    expect(rows[0]).toMatchObject({ 商户订单号: NUMBER, 订单金额: "1.01", 应结订单金额: "1.01" });
    expect(summary["订单总金额"]).toBe("2.01");
  });

  test("is one fen more of a refund", async () => {
    await armBill("wrong-amount", { outRefundNo: "R1" });
    const { rows } = await bill({ bill_type: "REFUND" });
    expect(rows[0]).toMatchObject({ 申请退款金额: "0.41", 退款金额: "0.41" });
  });
});

describe("extra-line", () => {
  test("is a payment that nobody knows", async () => {
    await armBill("extra-line");
    const { rows, summary } = await bill();
    expect(rows.at(-1)).toMatchObject({
      商户订单号: expect.stringMatching(/^UNKNOWN[0-9a-f]{24}$/),
      交易时间: "2100-01-01 12:00:00",
      交易状态: "SUCCESS",
      订单金额: "1.00",
    });
    expect(summary).toMatchObject({ 总交易单数: "4", 订单总金额: "3.00" });
  });

  test("is a refund when it names one, of the order that it names", async () => {
    await armBill("extra-line", { outTradeNo: "STRANGE00001", outRefundNo: "SR1" });
    expect(numbersIn(await bill({ bill_type: "SUCCESS" }))).toEqual([NUMBER, OTHER]);
    const { rows } = await bill({ bill_type: "REFUND" });
    expect(rows[1]).toMatchObject({
      商户订单号: "STRANGE00001",
      商户退款单号: "SR1",
      退款状态: "SUCCESS",
      申请退款金额: "1.00",
    });
  });
});

test("a bill takes every line fault that is armed for it", async () => {
  await armBill("missing-line", { outTradeNo: NUMBER });
  await armBill("missing-line", { outRefundNo: "R1" });
  await armBill("wrong-amount", { outTradeNo: OTHER });
  await armBill("extra-line", { outTradeNo: "STRANGE00001" });
  await armBill("extra-line", { outTradeNo: "STRANGE00002" });
  const read = await bill();
  expect(numbersIn(read)).toEqual([OTHER, "STRANGE00001", "STRANGE00002"]);
  expect(read.rows[0]).toMatchObject({ 订单金额: "1.01" });
  expect(await left()).toBe(0);
});

test("creating comes first, as often as it says, in both protocols", async () => {
  await armBill("missing-line", { outTradeNo: NUMBER });
  await armBill("creating", { times: 2 });
  expect(await noBill()).toMatchObject({ return_code: "FAIL", return_msg: "Bill Creating" });
  expect(await call3("GET", TRADEBILL)).toMatchObject({
    status: 400,
    json: { code: "STATEMENT_CREATING" },
  });
  expect(numbersIn(await bill())).toEqual([OTHER, "R1"]);
});

test("a fault for one merchant leaves the others alone", async () => {
  await armBill("creating", { mchId: "1900000110" });
  expect(numbersIn(await bill())).toHaveLength(3);
  await armBill("creating", { mchId: "1900000109" });
  expect(await noBill()).toMatchObject({ return_msg: "Bill Creating" });
  expect((await state()).faults).toMatchObject([
    { on: "bill", fault: "creating", mchId: "1900000110", times: 1 },
  ]);
});

describe("a file that is", () => {
  test("truncated gzip can't be unpacked", async () => {
    await armBill("truncated");
    const response = await askForBill({ tar_type: "GZIP" });
    const file = new Uint8Array(await response.arrayBuffer());
    expect(Buffer.from(file.subarray(0, 2)).toString("hex")).toBe("1f8b");
    expect(() => gunzipSync(file)).toThrow("unexpected end of file");
  });

  test("truncated text has no summary", async () => {
    const whole = Buffer.from(await billText(), "utf8");
    await armBill("truncated");
    const cut = new Uint8Array(await (await askForBill()).arrayBuffer());
    expect(Buffer.compare(cut, whole.subarray(0, whole.byteLength - 200))).toBe(0);
    expect(Buffer.from(cut).toString("utf8")).not.toContain("总交易单数");
  });

  test("not gzip though it was asked for", async () => {
    await armBill("not-gzip");
    await bill();
    expect(await left()).toBe(1);
    const response = await askForBill({ tar_type: "GZIP" });
    expect(numbersIn(readBill(await response.text()))).toHaveLength(3);
  });

  test("a page", async () => {
    await armBill("html-page");
    expect(await (await askForBill({ tar_type: "GZIP" })).text()).toMatch(/^<html>/);
  });

  test("damaged in APIv3 is so when it is fetched, every time", async () => {
    for (const [fault, beginning] of [
      ["html-page", "<html>"],
      ["not-gzip", "交易时间"],
    ] as const) {
      await armBill(fault);
      const { json } = await call3("GET", `${TRADEBILL}&tar_type=GZIP`);
      const url = new URL(String(json["download_url"]));
      for (let count = 0; count < 2; count++) {
        const file = await fetch3("GET", url.pathname + url.search);
        expect((await file.text()).replace("\uFEFF", "").startsWith(beginning)).toBe(true);
      }
    }
  });
});

test("wrong-hash is of APIv3 alone", async () => {
  await armBill("wrong-hash");
  await bill();
  const wrong = await call3("GET", TRADEBILL);
  const right = await call3("GET", TRADEBILL);
  expect(wrong.json["hash_value"]).toMatch(/^[0-9a-f]{40}$/);
  expect(wrong.json["hash_value"]).not.toBe(right.json["hash_value"]);
});

describe("a fault of the call", () => {
  test.each([
    ["systemerror", {}, { return_msg: "SYSTEMERROR", error_code: "SYSTEMERROR" }],
    ["refuse", { errCode: "20001" }, { return_msg: "20001", error_code: "20001" }],
    [
      "refuse",
      { errCode: "20007", errCodeDes: "UnCompressGZip Error" },
      { return_msg: "UnCompressGZip Error", error_code: "20007" },
    ],
  ])("%s %j is told as this call tells it, and makes no bill", async (fault, more, told) => {
    await armBill("extra-line");
    await arm({ on: "call", path: "downloadbill", fault, ...more });
    expect(await noBill()).toEqual({ return_code: "FAIL", ...told });
    expect(await left()).toBe(1);
  });

  test("http-500 and html-page are pages", async () => {
    await arm({ on: "call", path: "downloadbill", fault: "http-500" });
    expect((await askForBill()).status).toBe(500);
    await arm({ on: "call", path: "downloadbill", fault: "html-page" });
    expect(await (await askForBill()).text()).toMatch(/^<html>/);
  });

  test("drop-after breaks off like a bill", async () => {
    await arm({ on: "call", path: "downloadbill", fault: "drop-after" });
    await expect((await askForBill()).text()).rejects.toThrow("the connection is lost");
  });
});

describe("filling lines", () => {
  test.each([1, LINES_A_PIECE - 1, LINES_A_PIECE, 2 * LINES_A_PIECE + 1])(
    "%d of them are as well-formed as the others",
    async (count) => {
      await change({ billExtraLines: count });
      const { rows, summary } = await bill({ tar_type: "GZIP" });
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

  test("fill an empty day, but no bill of refunds", async () => {
    await change({ billExtraLines: 2 });
    expect((await bill({ bill_date: "20991231" })).rows).toHaveLength(2);
    expect(await noBill({ bill_date: "20991231", bill_type: "REFUND" })).toMatchObject({
      error_code: "20002",
    });
  });
});

test.each([2 * LINES_A_PIECE, 2 * LINES_A_PIECE + 1])(
  "a bill of %d real lines comes in pieces, in order",
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
    const read = await bill({ tar_type: "GZIP" });
    const numbers = Array.from({ length: copies }, (_, n) => `COPY${10_000_001 + n}`);
    expect(numbersIn(read)).toEqual([NUMBER, OTHER, ...numbers, "R1"]);
    expect(read.summary).toMatchObject({ 总交易单数: String(lines) });
    await runInDurableObject(env.LEDGER.getByName("wechat"), (_ledger, { storage }) => {
      const pieces = storage.sql.exec("select text from bill_pieces");
      expect([...pieces]).toHaveLength(Math.ceil(lines / LINES_A_PIECE));
    });
  },
);

test("a file that is gone breaks off", async () => {
  const { json } = await call3("GET", TRADEBILL);
  const url = new URL(String(json["download_url"]));
  const response = await fetch3("GET", url.pathname + url.search);
  await control("POST", "/reset");
  await expect(response.text()).rejects.toThrow();
});
