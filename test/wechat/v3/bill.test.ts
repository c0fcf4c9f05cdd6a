import { verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { requestTradeBill, downloadBill } from "../../../src/wechat/v3/bill.ts";
import type { BillAnswer } from "../../../src/wechat/types.ts";
import { keys } from "./support/fixtures.ts";
import { raw, refusal, signed, stubV3, unreachable, type Answer } from "./support/stub.ts";

const URL_OF_BILL = "https://bill.wechat.test/v3/billdownload/file?token=a%2Fb%2B%3d&tartype=gzip";
const HASH = "79bb0f45fc4c42234a918000b2668d689e2bde04";
const answer = { hash_type: "SHA1", hash_value: HASH.toUpperCase(), download_url: URL_OF_BILL };
const LIMITS = { headMs: 5_000, stallMs: 5_000, wholeMs: 10_000, maxBytes: 128 };

const bill = { url: URL_OF_BILL, sha1: HASH };

describe("askTradeBill", () => {
  test("requests all trades of a day, gzipped", async () => {
    const { client, sent } = stubV3([signed(answer)]);
    expect(await requestTradeBill(client, "2026-11-20")).toEqual({
      kind: "ready",
      bill: { url: URL_OF_BILL, sha1: HASH },
    });
    expect([sent[0]?.method, sent[0]?.url]).toEqual([
      "GET",
      "https://wechat.test/v3/bill/tradebill?bill_date=2026-11-20&bill_type=ALL&tar_type=GZIP",
    ]);
  });

  test.each([
    [400, "NO_STATEMENT_EXIST", "empty"],
    [400, "STATEMENT_CREATING", "creating"],
    [400, "INVALID_REQUEST", "refused"],
    [403, "NO_AUTH", "refused"],
    [429, "FREQUENCY_LIMITED", "unknown"],
    [500, "SYSTEM_ERROR", "unknown"],
  ])("maps %i %s to %s", async (status, code, kind) => {
    const { client } = stubV3([refusal(status, code)]);
    expect((await requestTradeBill(client, "2026-11-20")).kind).toBe(kind);
  });

  test.each<[string, object]>([
    ["another hash", { hash_type: "MD5" }],
    ["a hash of another length", { hash_value: "00" }],
    ["a relative address", { download_url: "/v3/bill" }],
    ["an address with another scheme", { download_url: "file:///etc/passwd" }],
  ])("returns unknown for %s", async (_name, change) => {
    const { client } = stubV3([signed({ ...answer, ...change })]);
    expect((await requestTradeBill(client, "2026-11-20")).kind).toBe("unknown");
  });

  test("returns unknown for an unsigned answer", async () => {
    const { client } = stubV3([raw(JSON.stringify(answer), 200)]);
    expect((await requestTradeBill(client, "2026-11-20")).kind).toBe("unknown");
  });
});

const textOf = async (opened: BillAnswer) =>
  opened.kind === "opened" ? await new Response(opened.stream).text() : opened.kind;

describe("downloadBill", () => {
  test("signs the address unchanged, and requires no signature of the answer", async () => {
    const { client, sent } = stubV3([raw("bytes", 200)]);
    const opened = await downloadBill(client, bill, LIMITS);
    expect(opened).toMatchObject({ kind: "opened", sha1: HASH });
    expect(await textOf(opened)).toBe("bytes");
    const [request] = sent;
    expect([request?.method, request?.url]).toEqual(["GET", URL_OF_BILL]);
    const header = request?.headers.get("authorization") ?? "";
    const valueOf = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(header)?.[1] ?? "";
    const path = URL_OF_BILL.slice("https://bill.wechat.test".length);
    const text = `GET\n${path}\n${valueOf("timestamp")}\n${valueOf("nonce_str")}\n\n`;
    const signature = Buffer.from(valueOf("signature"), "base64");
    expect(verify("sha256", Buffer.from(text), keys.merchant.publicKey, signature)).toBe(true);
  });

  test.each([
    [400, "INVALID_REQUEST", "refused"],
    [403, "NO_AUTH", "refused"],
    [500, "SYSTEM_ERROR", "unknown"],
  ])("maps %i %s to %s", async (status, code, kind) => {
    const { client } = stubV3([refusal(status, code)]);
    expect((await downloadBill(client, bill, LIMITS)).kind).toBe(kind);
  });

  test.each<[string, Answer]>([
    ["a redirect", raw(null, 302, { location: "https://elsewhere.test/" })],
    ["an error in another format", raw("<html></html>", 403)],
    ["an endless error", raw("x".repeat(100_000), 400)],
    ["no content", raw(null, 204)],
    ["no connection", unreachable()],
  ])("returns unknown for %s", async (_name, first) => {
    // The spare host isn't tried: the address belongs to the bill.
    const { client } = stubV3([first, raw("bytes", 200)]);
    expect((await downloadBill(client, bill, LIMITS)).kind).toBe("unknown");
  });

  test("sends its authorization over TLS only, or to WeChat's own host", async () => {
    const elsewhere = { url: "http://bill.wechat.test/v3/file", sha1: HASH };
    const { client, sent } = stubV3([raw("bytes", 200)]);
    expect((await downloadBill(client, elsewhere, LIMITS)).kind).toBe("unknown");
    expect(sent).toEqual([]);
    const local = stubV3([raw("bytes", 200)], { baseUrl: "http://127.0.0.1:8788" });
    const onBaseUrl = { url: "http://127.0.0.1:8788/v3/file", sha1: HASH };
    expect(await textOf(await downloadBill(local.client, onBaseUrl, LIMITS))).toBe("bytes");
  });
});

describe("openBill", () => {
  test("requests the address and downloads the bill", async () => {
    const { wechat } = stubV3([signed(answer), raw("bytes", 200)]);
    const opened = await wechat.openBill({ day: "2026-11-20", wechatAppId: "wx" });
    expect(opened).toMatchObject({ kind: "opened", sha1: HASH });
    expect(await textOf(opened)).toBe("bytes");
  });

  test("downloads nothing for an empty day", async () => {
    const { wechat, sent } = stubV3([refusal(400, "NO_STATEMENT_EXIST")]);
    expect(await wechat.openBill({ day: "2026-11-20", wechatAppId: "wx" })).toEqual({
      kind: "empty",
    });
    expect(sent).toHaveLength(1);
  });
});
