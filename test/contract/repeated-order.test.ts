import { describe, expect, test } from "vitest";
import type { CreateOrderInput } from "../../src/contract/create-order.ts";
import { differingParameter } from "../../src/contract/repeated-order.ts";

const first = {
  openId: "o1",
  desc: "测试",
  totalFen: 100,
  tag: "t",
  attach: null,
  clientIp: "203.0.113.7",
};
const repeated: CreateOrderInput = {
  ...first,
  clientIp: null,
  appOrderNo: "A-1",
  addressPage: null,
};

describe("differingParameter", () => {
  test("returns null for an identical request", () => {
    expect(differingParameter(first, repeated)).toBeNull();
    expect(differingParameter(first, { ...repeated, clientIp: "203.0.113.7" })).toBeNull();
  });

  test("ignores whether the address page is requested", () => {
    const addressPage = { accessToken: "a", url: "https://shop.example.com/" };
    expect(differingParameter(first, { ...repeated, addressPage })).toBeNull();
  });

  test.for([
    ["openId", { openId: "o2" }],
    ["desc", { desc: "测试 " }],
    ["totalFree", { totalFen: 101 }],
    ["tag", { tag: "T" }],
    ["attach", { attach: "x" }],
    ["clientIp", { clientIp: "203.0.113.8" }],
  ] as const)("returns %s, the contract's name, when it differs", ([name, change]) => {
    expect(differingParameter(first, { ...repeated, ...change })).toBe(name);
  });

  test("returns attach when only the first request had one", () => {
    expect(differingParameter({ ...first, attach: "x" }, repeated)).toBe("attach");
  });

  test("returns the first of several differences", () => {
    expect(differingParameter(first, { ...repeated, tag: "T", totalFen: 1 })).toBe("totalFree");
  });
});
