import { describe, expect, test } from "vitest";
import { isConfirmed, parseRetryAfter } from "../../../src/contract/callback/app-answer.ts";

describe("isConfirmed", () => {
  test.each([
    [200, "success"],
    [200, " SUCCESS\r\n"],
    [204, "Success"],
    [299, "\uFEFFsuccess"],
    [200, '"success"'],
    [200, ' "Success"\n'],
    [200, '{"code":0}'],
    [200, ' {"code": 0, "errmsg": null, "data": {}}\n'],
    [201, '{"code":0.0}'],
  ])("accepts %i %j", (status, body) => {
    expect(isConfirmed(status, body)).toBe(true);
  });

  test.each([
    [199, "success"],
    [300, "success"],
    [302, "success"],
    [404, '{"code":0}'],
    [500, "success"],
    [200, ""],
    [204, ""],
    [200, "ok"],
    [200, "success!"],
    [500, '"success"'],
    [200, '"success'],
    [200, '"ok"'],
    [200, '["success"]'],
    [200, '"\\"success\\""'],
    [200, "<html>success</html>"],
    [200, "0"],
    [200, "null"],
    [200, "[]"],
    [200, '[{"code":0}]'],
    [200, "{}"],
    [200, '{"code":1}'],
    [200, '{"code":"0"}'],
    [200, '{"code":null}'],
    [200, '{"code":false}'],
    [200, '{"data":{"code":0}}'],
    [200, '{"code":0'],
  ])("rejects %i %j", (status, body) => {
    expect(isConfirmed(status, body)).toBe(false);
  });
});

describe("parseRetryAfter", () => {
  const nowAt = Date.UTC(2026, 10, 22, 12, 0, 0);

  test.each<[string | null, number | null]>([
    ["0", 0],
    [" 120 ", 120_000],
    ["Sun, 22 Nov 2026 12:01:30 GMT", 90_000],
    ["Sun, 22 Nov 2026 11:00:00 GMT", 0],
    [null, null],
    ["", null],
    ["-1", null],
    ["1.5", null],
    ["soon", null],
    ["2026-11-22T12:01:30Z", null],
    ["Sun, 99 Nov 2026 12:01:30 GMT", null],
  ])("reads %j as %j ms", (header, expected) => {
    expect(parseRetryAfter(header, nowAt)).toBe(expected);
  });
});
