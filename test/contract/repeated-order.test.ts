import { describe, expect, test } from "vitest";
import type { CreateOrderInput } from "../../src/contract/create-order.ts";
import { repeatRefusal } from "../../src/contract/repeated-order.ts";

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

/** The fault of a parameter that differs. */
const differs = (parameter: string) => ({
  detail: `${parameter} 与 appOrderNo 首次下单时不一致`,
  reason: { fault: "differs", parameter },
});

describe("repeatRefusal", () => {
  test("returns null for an identical request", () => {
    expect(repeatRefusal(first, repeated)).toBeNull();
    expect(repeatRefusal(first, { ...repeated, clientIp: "203.0.113.7" })).toBeNull();
  });

  test("ignores whether the address page is requested", () => {
    const addressPage = { accessToken: "a", url: "https://shop.example.com/" };
    expect(repeatRefusal(first, { ...repeated, addressPage })).toBeNull();
  });

  test.for([
    ["openId", { openId: "o2" }],
    ["desc", { desc: "测试 " }],
    ["totalFree", { totalFen: 101 }],
    ["tag", { tag: "T" }],
    ["attach", { attach: "x" }],
    ["clientIp", { clientIp: "203.0.113.8" }],
  ] as const)("names %s, as the contract does, when it differs", ([name, change]) => {
    expect(repeatRefusal(first, { ...repeated, ...change })).toMatchObject(differs(name));
  });

  test("names attach when only the first request had one", () => {
    expect(repeatRefusal({ ...first, attach: "x" }, repeated)).toMatchObject(differs("attach"));
  });

  test("names all of several differences, in the order of the contract", () => {
    const refusal = repeatRefusal(first, { ...repeated, tag: "T", totalFen: 1 });
    expect(refusal).toMatchObject({ ...differs("totalFree"), further: [differs("tag")] });
  });
});
