import { createHash, generateKeyPairSync } from "node:crypto";
import { exports } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { changeSettings, numbersIn, parseBill, textOf } from "./bill-helpers.ts";
import {
  advanceClock,
  control,
  ORIGIN,
  placePaidOrder,
  requestRefund,
  resetSandbox,
  state,
} from "./helpers.ts";
import {
  armFault,
  callV3,
  fetchV3,
  placePaidOrderV3,
  requestRefundV3,
  sendV3,
  type V3Response,
} from "./v3-helpers.ts";

const NUMBER = "BILLED3000001";
const OTHER = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const TODAY = "bill_date=2100-01-01";
const DAY_MS = 24 * 3_600_000;

beforeEach(resetSandbox);

const requestTradeBill = async (query = TODAY): Promise<V3Response> =>
  await callV3("GET", `/v3/bill/tradebill?${query}`);

const linkShape = z.strictObject({
  hash_type: z.literal("SHA1"),
  hash_value: z.string(),
  download_url: z.string(),
});

/** The address of the file, and the hash. */
async function requestLink(query = TODAY): Promise<{ target: string; hash: string; url: string }> {
  const { status, json } = await requestTradeBill(query);
  expect(status).toBe(200);
  const { hash_value: hash, download_url: url } = linkShape.parse(json);
  expect(url.startsWith(`${ORIGIN}/`)).toBe(true);
  return { target: url.slice(ORIGIN.length), hash, url };
}

async function fileOf(target: string): Promise<Uint8Array> {
  const response = await fetchV3("GET", target);
  expect(response.status).toBe(200);
  expect([...response.headers.keys()].join()).not.toContain("wechatpay-");
  return new Uint8Array(await response.arrayBuffer());
}

const sha1 = (text: string): string => createHash("sha1").update(text, "utf8").digest("hex");

test.each([
  ["plain", TODAY, false],
  ["gzip", `${TODAY}&tar_type=GZIP`, true],
])(
  "tradebill, %s: returns the address and the hash of the unsigned file",
  async (_what, query, gzip) => {
    await placePaidOrderV3(NUMBER);
    await requestRefundV3(NUMBER, "R1");
    await placePaidOrder("BILLED2000001");
    const { target, hash } = await requestLink(query);
    const text = textOf(await fileOf(target), gzip);
    expect(sha1(text)).toBe(hash);
    expect(numbersIn(parseBill(text))).toEqual([NUMBER, "BILLED2000001", "R1"]);
  },
);

test("a bill doesn't change between tradebill and its download", async () => {
  await placePaidOrderV3(NUMBER);
  const { target, hash } = await requestLink();
  await placePaidOrder("BILLED2000001");
  await requestRefund("BILLED2000001", "R1");
  expect(sha1(textOf(await fileOf(target), false))).toBe(hash);
  expect((await requestLink()).hash).not.toBe(hash);
});

test.each([
  ["SUCCESS", [NUMBER]],
  ["REFUND", ["R1"]],
  ["ALL", [NUMBER, "R1"]],
])("a bill of type %s lists its trades", async (type, numbers) => {
  await placePaidOrderV3(NUMBER);
  await requestRefundV3(NUMBER, "R1");
  const { target } = await requestLink(`${TODAY}&bill_type=${type}`);
  expect(numbersIn(parseBill(textOf(await fileOf(target), false)))).toEqual(numbers);
});

describe("tradebill returns an error", () => {
  test("for a day without trades, and for recharges", async () => {
    const empty = { status: 400, json: { code: "NO_STATEMENT_EXIST" } };
    expect(await requestTradeBill()).toMatchObject(empty);
    await placePaidOrderV3(NUMBER);
    expect(await requestTradeBill(`${TODAY}&bill_type=RECHARGE_REFUND`)).toMatchObject(empty);
  });

  test("for tomorrow, for a day too long ago, and for today when billsOfToday is off", async () => {
    await placePaidOrderV3(NUMBER);
    const invalid = { status: 400, json: { code: "INVALID_REQUEST" } };
    expect(await requestTradeBill("bill_date=2100-01-02")).toMatchObject(invalid);
    await changeSettings({ billsOfToday: false });
    expect(await requestTradeBill()).toMatchObject(invalid);
    advanceClock(DAY_MS);
    expect((await requestTradeBill()).status).toBe(200);
    advanceClock(90 * DAY_MS);
    expect(await requestTradeBill()).toMatchObject(invalid);
  });

  test("for yesterday before 9 o'clock", async () => {
    await changeSettings({ billsOfToday: false });
    await placePaidOrderV3(NUMBER);
    advanceClock(12 * 3_600_000);
    expect(await requestTradeBill()).toMatchObject({
      status: 400,
      json: { code: "STATEMENT_CREATING" },
    });
  });

  test.each([
    "",
    "bill_date=21000101",
    "bill_date=2100-02-29",
    "bill_date=2100-1-1",
    `${TODAY}&bill_type=REVOKED`,
    `${TODAY}&tar_type=ZIP`,
    `${TODAY}&mchid=1900000109`,
    `${TODAY}&${TODAY}`,
  ])("for the query %j", async (query) => {
    await placePaidOrderV3(NUMBER);
    expect(await requestTradeBill(query)).toMatchObject({
      status: 400,
      json: { code: "PARAM_ERROR" },
    });
  });
});

describe("the address of a bill's file", () => {
  test("is valid for 5 minutes and any number of downloads", async () => {
    await placePaidOrderV3(NUMBER);
    const { target } = await requestLink();
    advanceClock(300_000);
    expect(await fileOf(target)).toEqual(await fileOf(target));
    advanceClock(1);
    expect(await callV3("GET", target)).toMatchObject({
      status: 400,
      json: { code: "INVALID_REQUEST" },
    });
  });

  test("requires a signature over itself", async () => {
    await placePaidOrderV3(NUMBER);
    const { target, url } = await requestLink();
    const bare = await exports.default.fetch(url, {
      headers: { accept: "*/*", "user-agent": "merchant/1.0" },
    });
    expect(bare.status).toBe(401);
    const other = { signed: { target: target.split("?")[0] ?? "" } };
    expect(await sendV3("GET", target, undefined, other)).toMatchObject({ status: 401 });
  });

  test("can't be used by another merchant", async () => {
    await placePaidOrderV3(NUMBER);
    const { target } = await requestLink();
    await control("POST", "/merchants", {
      mchId: "1900000110",
      apiKey: "k".repeat(32),
      appIds: ["wx1111111111111111"],
      merchantSerialNo: "AA11",
      merchantPublicKey: OTHER.publicKey,
    });
    const overrides = { mchid: "1900000110", serial: "AA11", key: OTHER.privateKey };
    expect(await sendV3("GET", target, undefined, overrides)).toMatchObject({
      status: 403,
      json: { code: "NO_AUTH" },
    });
  });

  test.each(["?token=unknown", "?token=unknown&tartype=gzip"])(
    "fails with an unknown token: %s",
    async (query) => {
      expect(await callV3("GET", `/v3/billdownload/file${query}`)).toMatchObject({
        status: 400,
        json: { code: "INVALID_REQUEST" },
      });
    },
  );

  test("requires a token", async () => {
    expect(await callV3("GET", "/v3/billdownload/file")).toMatchObject({
      status: 400,
      json: { code: "PARAM_ERROR" },
    });
  });
});

test("both bill calls appear in the call log, and a file is never probed", async () => {
  await placePaidOrderV3(NUMBER);
  const { target } = await requestLink();
  await changeSettings({ probeRate: 1 });
  await fileOf(target);
  expect((await state()).calls.slice(0, 2)).toMatchObject([
    { path: "/v3/billdownload/file", outcome: "SUCCESS" },
    { path: "/v3/bill/tradebill", outcome: "SUCCESS" },
  ]);
});

describe("a call fault of an APIv3 bill", () => {
  test.each([
    ["downloadbill", "systemerror"],
    ["billfile", "systemerror"],
  ])("applies to %s", async (path, fault) => {
    await placePaidOrderV3(NUMBER);
    const { target } = await requestLink();
    await armFault({ on: "call", path, fault });
    const failed = path === "billfile" ? await callV3("GET", target) : await requestTradeBill();
    expect(failed).toMatchObject({ status: 500, json: { code: "SYSTEM_ERROR" } });
    expect((await state()).faults).toEqual([]);
  });

  test("breaks the connection in the middle of a file", async () => {
    await placePaidOrderV3(NUMBER);
    const { target } = await requestLink();
    await armFault({ on: "call", path: "billfile", fault: "drop-after" });
    const response = await fetchV3("GET", target);
    await expect(response.text()).rejects.toThrow("the connection is lost");
  });
});
