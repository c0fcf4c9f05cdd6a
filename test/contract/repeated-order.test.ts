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

describe("a repeated request for an order", () => {
  test("that is the same differs in nothing", () => {
    expect(differingParameter(first, repeated)).toBeNull();
    expect(differingParameter(first, { ...repeated, clientIp: "203.0.113.7" })).toBeNull();
  });

  test("may ask for the address page or not", () => {
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
  ] as const)("with another %s differs in that, by the contract's name", ([name, change]) => {
    expect(differingParameter(first, { ...repeated, ...change })).toBe(name);
  });

  test("differs in attach when that was given only the first time", () => {
    expect(differingParameter({ ...first, attach: "x" }, repeated)).toBe("attach");
  });

  test("names the first of several differences", () => {
    expect(differingParameter(first, { ...repeated, tag: "T", totalFen: 1 })).toBe("totalFree");
  });
});
