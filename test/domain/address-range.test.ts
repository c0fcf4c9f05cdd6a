import { describe, expect, test } from "vitest";
import { isInRanges, parseAddressRange } from "../../src/domain/address-range.ts";

function ranges(...texts: readonly string[]) {
  return texts.map((text) => {
    const range = parseAddressRange(text);
    if (!range.ok) throw new Error(`${text} ${range.error}`);
    return range.value;
  });
}

describe("isInRanges", () => {
  test.for<[range: string, inside: string[], outside: string[]]>([
    ["203.0.113.7", ["203.0.113.7", "::ffff:203.0.113.7"], ["203.0.113.8", "::203.0.113.7"]],
    ["203.0.113.7/32", ["203.0.113.7"], ["203.0.113.6"]],
    ["203.0.113.0/24", ["203.0.113.0", "203.0.113.255"], ["203.0.112.255", "203.0.114.0"]],
    ["203.0.112.0/23", ["203.0.113.255"], ["203.0.114.0"]],
    ["0.0.0.0/0", ["0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"], ["::", "2001:db8::1"]],
    ["2001:db8::7", ["2001:db8::7", "2001:0DB8:0:0:0:0:0:7"], ["2001:db8::8", "203.0.113.7"]],
    ["2001:db8::/32", ["2001:db8:ffff::"], ["2001:db9::", "2001:db7:ffff::"]],
    ["2001:db8::/33", ["2001:db8:7fff::1"], ["2001:db8:8000::1"]],
    ["::/0", ["::1", "ffff::"], ["1.2.3.4", "::ffff:1.2.3.4"]],
    ["::ffff:203.0.113.7", ["203.0.113.7", "::ffff:cb00:7107"], ["203.0.113.8"]],
    ["::ffff:203.0.113.0/120", ["203.0.113.255"], ["203.0.114.0"]],
    ["::ffff:0:0/96", ["1.2.3.4"], ["2001:db8::"]],
  ])("%s", ([range, inside, outside]) => {
    for (const address of inside) expect(isInRanges(ranges(range), address), address).toBe(true);
    for (const address of outside) expect(isInRanges(ranges(range), address), address).toBe(false);
  });

  test("is true for an address in any of them", () => {
    const some = ranges("198.51.100.0/24", "2001:db8::/32");
    expect(["198.51.100.1", "2001:db8::1"].map((text) => isInRanges(some, text))).toEqual([
      true,
      true,
    ]);
    expect(isInRanges(some, "203.0.113.7")).toBe(false);
    expect(isInRanges([], "203.0.113.7")).toBe(false);
  });

  test.for(["", "unknown", "203.0.113.7, 198.51.100.1", "203.0.113.07", "0xcb007107", "fe80::1%0"])(
    "is false for %j, which isn't an address",
    (text) => {
      expect(isInRanges(ranges("0.0.0.0/0", "::/0"), text)).toBe(false);
    },
  );
});

describe("parseAddressRange", () => {
  const EXPECTED = "must be an IPv4 or IPv6 address or a CIDR range, as 203.0.113.0/24";
  test.for<[text: string, fault: string]>([
    ["", EXPECTED],
    ["203.0.113", EXPECTED],
    ["203.0.113.256", EXPECTED],
    ["203.0.113.07", EXPECTED],
    ["0x7f.0.0.1", EXPECTED],
    ["3405803783", EXPECTED],
    [" 203.0.113.7", EXPECTED],
    ["203.0.113.7 ", EXPECTED],
    ["203.0.113.7\n", EXPECTED],
    ["203.0.113.7/", EXPECTED],
    ["203.0.113.0/24/8", EXPECTED],
    ["203.0.113.0/024", EXPECTED],
    ["203.0.113.0/-1", EXPECTED],
    ["203.0.113.0/2e1", EXPECTED],
    ["203.0.113.0/255.255.255.0", EXPECTED],
    ["203.0.113.*", EXPECTED],
    ["203.0.113.1-203.0.113.9", EXPECTED],
    ["app.example.com", EXPECTED],
    ["2001:db8:::1", EXPECTED],
    ["2001:db8::12345", EXPECTED],
    ["1:2:3:4:5:6:7:8:9", EXPECTED],
    ["[2001:db8::1]", EXPECTED],
    ["fe80::1%eth0", EXPECTED],
    ["::ffff:203.0.113.07", EXPECTED],
    ["٢٠٣.0.113.7", EXPECTED],
    ["203.0.113.0/33", "must have a prefix of at most 32 bits"],
    ["2001:db8::/129", "must have a prefix of at most 128 bits"],
    ["203.0.113.7/24", "must have no address bits beyond its prefix"],
    ["0.0.0.1/0", "must have no address bits beyond its prefix"],
    ["2001:db8::1/64", "must have no address bits beyond its prefix"],
    ["::ffff:203.0.113.7/120", "must have no address bits beyond its prefix"],
    ["::ffff:0.0.0.0/95", "must have no address bits beyond its prefix"],
  ])("refuses %j", ([text, fault]) => {
    expect(parseAddressRange(text)).toEqual({ ok: false, error: fault });
  });
});
