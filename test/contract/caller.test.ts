import { describe, expect, test } from "vitest";
import { parseCaller } from "../../src/contract/caller.ts";
import { parametersOf, refusalOf } from "./support.ts";

const sign = "aeb4376a7bf9d88c608cc4589cc8af447453ab86";

describe("the caller", () => {
  test("is appId and sign, of either case", () => {
    const upper = sign.toUpperCase();
    expect(parseCaller(parametersOf({ appId: "12", sign: upper, other: "x" }))).toEqual({
      ok: true,
      value: { appId: 12, sign: upper },
    });
    expect(parseCaller(parametersOf({ appId: "9007199254740991", sign })).ok).toBe(true);
  });

  test.each([
    ["appId", undefined, "appId 必传"],
    ["appId", "", "appId 必传"],
    ...["0", "-1", "01", "1.0", "1e2", "+1", " 1", "1 ", "0x1", "abc", "１"].map(
      (value): [string, string, string] => ["appId", value, "appId 必须是不小于 1 的整数"],
    ),
    ["appId", "9007199254740992", "appId 不能大于"],
    ["appId", "9".repeat(400), "appId 不能大于"],
    ["sign", undefined, "sign 必传"],
    ["sign", "", "sign 必传"],
    ["sign", sign.slice(1), "sign 必须是 40 位"],
    ["sign", `${sign}\n`, "sign 必须是 40 位"],
    ["sign", "g".repeat(40), "sign 必须是 40 位"],
  ])("%s as %j is refused: %s", (name, value, detail) => {
    const given = parametersOf({ appId: "1", sign, [name]: value });
    expect(refusalOf(parseCaller(given))).toContain(detail);
  });
});
