import { createHash, generateKeyPairSync } from "node:crypto";
import { exports } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { change, numbersIn, readBill, textOf } from "./bill-helpers.ts";
import {
  control,
  freshSandbox,
  ORIGIN,
  pass,
  placePaidOrder,
  requestRefund,
  state,
} from "./helpers.ts";
import {
  arm,
  call3,
  fetch3,
  placePaidOrder3,
  requestRefund3,
  send3,
  type Reply3,
} from "./v3-helpers.ts";

const NUMBER = "BILLED3000001";
const OTHER = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const TODAY = "bill_date=2100-01-01";
const DAY_MS = 24 * 3_600_000;

beforeEach(freshSandbox);

const ask = async (query = TODAY): Promise<Reply3> =>
  await call3("GET", `/v3/bill/tradebill?${query}`);

const answerShape = z.strictObject({
  hash_type: z.literal("SHA1"),
  hash_value: z.string(),
  download_url: z.string(),
});

/** Where the file is, and its hash. */
async function told(query = TODAY): Promise<{ target: string; hash: string; url: string }> {
  const { status, json } = await ask(query);
  expect(status).toBe(200);
  const { hash_value: hash, download_url: url } = answerShape.parse(json);
  expect(url.startsWith(`${ORIGIN}/`)).toBe(true);
  return { target: url.slice(ORIGIN.length), hash, url };
}

async function fileOf(target: string): Promise<Uint8Array> {
  const response = await fetch3("GET", target);
  expect(response.status).toBe(200);
  expect([...response.headers.keys()].join()).not.toContain("wechatpay-");
  return new Uint8Array(await response.arrayBuffer());
}

const sha1 = (text: string): string => createHash("sha1").update(text, "utf8").digest("hex");

test.each([
  ["plain", TODAY, false],
  ["gzip", `${TODAY}&tar_type=GZIP`, true],
])(
  "%s: the address and the hash of the text are told and signed, the file is not",
  async (_what, query, gzip) => {
    await placePaidOrder3(NUMBER);
    await requestRefund3(NUMBER, "R1");
    await placePaidOrder("BILLED2000001");
    const { target, hash } = await told(query);
    const text = textOf(await fileOf(target), gzip);
    expect(sha1(text)).toBe(hash);
    expect(numbersIn(readBill(text))).toEqual([NUMBER, "BILLED2000001", "R1"]);
  },
);

test("a bill stays as it was made, whatever happens before its download", async () => {
  await placePaidOrder3(NUMBER);
  const { target, hash } = await told();
  await placePaidOrder("BILLED2000001");
  await requestRefund("BILLED2000001", "R1");
  expect(sha1(textOf(await fileOf(target), false))).toBe(hash);
  expect((await told()).hash).not.toBe(hash);
});

test.each([
  ["SUCCESS", [NUMBER]],
  ["REFUND", ["R1"]],
  ["ALL", [NUMBER, "R1"]],
])("of type %s", async (type, numbers) => {
  await placePaidOrder3(NUMBER);
  await requestRefund3(NUMBER, "R1");
  const { target } = await told(`${TODAY}&bill_type=${type}`);
  expect(numbersIn(readBill(textOf(await fileOf(target), false)))).toEqual(numbers);
});

describe("there is no bill", () => {
  test("of a day without trades, or of recharges", async () => {
    const empty = { status: 400, json: { code: "NO_STATEMENT_EXIST" } };
    expect(await ask()).toMatchObject(empty);
    await placePaidOrder3(NUMBER);
    expect(await ask(`${TODAY}&bill_type=RECHARGE_REFUND`)).toMatchObject(empty);
  });

  test("of tomorrow, of long ago, and at WeChat of today", async () => {
    await placePaidOrder3(NUMBER);
    const invalid = { status: 400, json: { code: "INVALID_REQUEST" } };
    expect(await ask("bill_date=2100-01-02")).toMatchObject(invalid);
    await change({ billsOfToday: false });
    expect(await ask()).toMatchObject(invalid);
    pass(DAY_MS);
    expect((await ask()).status).toBe(200);
    pass(90 * DAY_MS);
    expect(await ask()).toMatchObject(invalid);
  });

  test("of yesterday before 9 o'clock", async () => {
    await change({ billsOfToday: false });
    await placePaidOrder3(NUMBER);
    pass(12 * 3_600_000);
    expect(await ask()).toMatchObject({ status: 400, json: { code: "STATEMENT_CREATING" } });
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
  ])("for %j", async (query) => {
    await placePaidOrder3(NUMBER);
    expect(await ask(query)).toMatchObject({ status: 400, json: { code: "PARAM_ERROR" } });
  });
});

describe("the address", () => {
  test("is good for 5 minutes, as often as one likes", async () => {
    await placePaidOrder3(NUMBER);
    const { target } = await told();
    pass(300_000);
    expect(await fileOf(target)).toEqual(await fileOf(target));
    pass(1);
    expect(await call3("GET", target)).toMatchObject({
      status: 400,
      json: { code: "INVALID_REQUEST" },
    });
  });

  test("must be asked for with a signature over itself", async () => {
    await placePaidOrder3(NUMBER);
    const { target, url } = await told();
    const bare = await exports.default.fetch(url, {
      headers: { accept: "*/*", "user-agent": "merchant/1.0" },
    });
    expect(bare.status).toBe(401);
    const other = { signed: { target: target.split("?")[0] ?? "" } };
    expect(await send3("GET", target, undefined, other)).toMatchObject({ status: 401 });
  });

  test("is of no use to another merchant", async () => {
    await placePaidOrder3(NUMBER);
    const { target } = await told();
    await control("POST", "/merchants", {
      mchId: "1900000110",
      apiKey: "k".repeat(32),
      appIds: ["wx1111111111111111"],
      merchantSerialNo: "AA11",
      merchantPublicKey: OTHER.publicKey,
    });
    const odd = { mchid: "1900000110", serial: "AA11", key: OTHER.privateKey };
    expect(await send3("GET", target, undefined, odd)).toMatchObject({
      status: 403,
      json: { code: "NO_AUTH" },
    });
  });

  test.each(["?token=unknown", "?token=unknown&tartype=gzip"])(
    "%s leads nowhere",
    async (query) => {
      expect(await call3("GET", `/v3/billdownload/file${query}`)).toMatchObject({
        status: 400,
        json: { code: "INVALID_REQUEST" },
      });
    },
  );

  test("without a token is malformed", async () => {
    expect(await call3("GET", "/v3/billdownload/file")).toMatchObject({
      status: 400,
      json: { code: "PARAM_ERROR" },
    });
  });
});

test("both calls are on record, and a file is no reply to probe", async () => {
  await placePaidOrder3(NUMBER);
  const { target } = await told();
  await change({ probeRate: 1 });
  await fileOf(target);
  expect((await state()).calls.slice(0, 2)).toMatchObject([
    { path: "/v3/billdownload/file", outcome: "SUCCESS" },
    { path: "/v3/bill/tradebill", outcome: "SUCCESS" },
  ]);
});

describe("a call fault", () => {
  test.each([
    ["downloadbill", "systemerror"],
    ["billfile", "systemerror"],
  ])("strikes %s", async (path, fault) => {
    await placePaidOrder3(NUMBER);
    const { target } = await told();
    await arm({ on: "call", path, fault });
    const struck = path === "billfile" ? await call3("GET", target) : await ask();
    expect(struck).toMatchObject({ status: 500, json: { code: "SYSTEM_ERROR" } });
    expect((await state()).faults).toEqual([]);
  });

  test("breaks a file off in the middle", async () => {
    await placePaidOrder3(NUMBER);
    const { target } = await told();
    await arm({ on: "call", path: "billfile", fault: "drop-after" });
    const response = await fetch3("GET", target);
    await expect(response.text()).rejects.toThrow("the connection is lost");
  });
});
