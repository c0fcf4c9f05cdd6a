import { describe, expect, test } from "vitest";
import { isConfirmed } from "../../../src/contract/callback/confirmation.ts";

describe("isConfirmed", () => {
  test.each([
    [200, "success"],
    [200, " SUCCESS\r\n"],
    [204, "Success"],
    [299, "\uFEFFsuccess"],
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
    [200, '"success"'],
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
