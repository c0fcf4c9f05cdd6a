import { describe, expect, test } from "vitest";
import { networkOf } from "../../src/middleware/caller-address.ts";

describe("networkOf", () => {
  test.for([
    ["203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::FFFF:cb00:7107", "203.0.113.7"],
    ["0:0:0:0:0:ffff:203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"],
    ["2001:db8:1:3::1", "2001:db8:1:3::/64"],
    ["::1", "::/64"],
    ["", "unknown"],
    ["a name", "unknown"],
    ["203.0.113.7, 198.51.100.1", "unknown"],
  ] as const)("of %j is %j", ([address, network]) => {
    expect(networkOf(address)).toBe(network);
  });
});
