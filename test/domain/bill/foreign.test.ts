import { describe, expect, test } from "vitest";
import { hasForeignNumber, isForeign } from "../../../src/domain/bill/foreign.ts";

const OURS = "0123456789abcdef0123456789abcdef";
const APP_IDS = new Set(["wx1", "wx2"]);

describe("isForeign", () => {
  test.each([
    [OURS, "wx1", false],
    [OURS, "wx2", false],
    [OURS, "wx3", true],
    [OURS, "", false],
    ["", "wx1", false],
    ["", "wx3", true],
    ["", "", false],
    [OURS.toUpperCase(), "wx1", true],
    [OURS.slice(1), "wx1", true],
    [`${OURS}0`, "wx1", true],
    [OURS.replace("f", "g"), "wx1", true],
    ["20261122000001", "wx1", true],
    ["20261122000001", "", true],
  ])("number %j with appid %j: %j", (orderNumber, wechatAppId, foreign) => {
    expect(isForeign({ orderNumber, wechatAppId }, APP_IDS)).toBe(foreign);
  });
});

describe("hasForeignNumber", () => {
  test("says nothing about a line without a number", () => {
    expect(hasForeignNumber({ orderNumber: "" })).toBe(false);
  });
});
