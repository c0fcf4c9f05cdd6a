import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkNotifyUrl } from "../../src/domain/notify-url.ts";

const inProduction = (text: string, publicUrl = "https://pay.example.com") =>
  checkNotifyUrl(text, { isDevelopment: false, publicUrl });
const inDevelopment = (text: string, publicUrl = "http://127.0.0.1:8787") =>
  checkNotifyUrl(text, { isDevelopment: true, publicUrl });

const BARE_ADDRESS = "a bare IP address, which a deployed gateway can't call";
const METADATA = "a cloud's metadata service";

/** An IPv4 address as browsers accept it: one to four parts, each in decimal, hex or octal. */
const ipv4Spelling = fc
  .record({
    number: fc.nat({ max: 2 ** 32 - 1 }),
    parts: fc.integer({ min: 1, max: 4 }),
    bases: fc.array(fc.constantFrom(8, 10, 16), { minLength: 4, maxLength: 4 }),
    dot: fc.constantFrom("", "."),
  })
  .map(({ number, parts, bases, dot }) => {
    const heads = Array.from({ length: parts - 1 }, (_, at) => (number >>> (24 - 8 * at)) & 0xff);
    const values = [...heads, number % 2 ** (32 - 8 * (parts - 1))];
    const written = values.map((value, at) => {
      const base = bases[at] ?? 10;
      return { 8: "0", 10: "", 16: "0x" }[base] + value.toString(base);
    });
    return written.join(".") + dot;
  });

describe("checkNotifyUrl, a public https URL", () => {
  test.for([
    ["https://shop.example.com/pay/notify", "https://shop.example.com/pay/notify"],
    ["https://shop.example.com", "https://shop.example.com/"],
    ["HTTPS://Shop.Example.COM:443/a", "https://shop.example.com/a"],
    [
      "https://shop.example.com:8443/a?b=c&d=%E4%B8%AD",
      "https://shop.example.com:8443/a?b=c&d=%E4%B8%AD",
    ],
    ["https://shop.example.com/a/../b", "https://shop.example.com/b"],
    ["https://localhost.example.com/", "https://localhost.example.com/"],
    ["https://test.example.com:1024/", "https://test.example.com:1024/"],
    ["https://shop.example.com:80/", "https://shop.example.com:80/"],
    ["https://corp.lan.com/", "https://corp.lan.com/"],
    ["https://metadata.shop.com/", "https://metadata.shop.com/"],
    ["https://商店.中国/通知", "https://xn--czrs0t.xn--fiqs8s/%E9%80%9A%E7%9F%A5"],
    [`https://shop.example.com/${"a".repeat(487)}`, `https://shop.example.com/${"a".repeat(487)}`],
  ] as const)("is accepted and normalised: %s", ([text, called]) => {
    expect(inProduction(text)).toEqual({ ok: true, value: called });
    expect(inDevelopment(text)).toEqual({ ok: true, value: called });
  });
});

describe("checkNotifyUrl, in every environment", () => {
  test.for([
    ["", "must be an absolute https URL"],
    ["/pay/notify", "must be an absolute https URL"],
    ["shop.example.com", "must be an absolute https URL"],
    ["https://", "must be an absolute https URL"],
    ["https:///pay", "must be an absolute https URL"],
    ["https:/shop.example.com", "must be an absolute https URL"],
    ["https:shop.example.com", "must be an absolute https URL"],
    ["https://256.1.1.1/", "must be an absolute https URL"],
    ["https://1.2.3.4.5/", "must be an absolute https URL"],
    ["https://[fe80::1%25eth0]/", "must be an absolute https URL"],
    ["https://shop.example.com:99999/", "must be an absolute https URL"],
    ["ftp://shop.example.com/", "must be https"],
    ["javascript:alert(1)", "must be https"],
    ["data:text/plain,x", "must be https"],
    ["ws://shop.example.com/", "must be https"],
    ["https://user@shop.example.com/", "must not contain a user name or password"],
    ["https://:secret@shop.example.com/", "must not contain a user name or password"],
    ["https://shop.example.com%40@10.0.0.1/", "must not contain a user name or password"],
    ["https://shop.example.com/#part", "must not have a fragment"],
    ["https://shop.example.com/#", "must not have a fragment"],
    [" https://shop.example.com/", "must not contain spaces, control characters or backslashes"],
    ["https://shop.example.com/a b", "must not contain spaces, control characters or backslashes"],
    ["https://shop.exa\nmple.com/", "must not contain spaces, control characters or backslashes"],
    ["ht\ttps://shop.example.com/", "must not contain spaces, control characters or backslashes"],
    [
      "https://shop.example.com/\u0000",
      "must not contain spaces, control characters or backslashes",
    ],
    [
      "https://shop.example.com\\@10.0.0.1/",
      "must not contain spaces, control characters or backslashes",
    ],
    [`https://shop.example.com/${"a".repeat(488)}`, "must have at most 512 characters"],
    [`https://shop.example.com/${"中".repeat(60)}`, "must have at most 512 characters"],
  ] as const)("refuses %j: %s", ([text, fault]) => {
    expect(inProduction(text)).toEqual({ ok: false, error: fault });
    expect(inDevelopment(text)).toEqual({ ok: false, error: fault });
  });

  test.for([
    ["0.0.0.0", "an unspecified address"],
    ["0.1.2.3", "an unspecified address"],
    ["100.64.0.1", "a carrier-grade NAT address"],
    ["100.127.255.255", "a carrier-grade NAT address"],
    ["169.254.169.254", "a link-local address"],
    ["192.0.0.1", "a reserved address"],
    ["192.0.2.1", "a reserved address"],
    ["198.18.0.1", "a reserved address"],
    ["198.19.255.255", "a reserved address"],
    ["198.51.100.7", "a reserved address"],
    ["203.0.113.7", "a reserved address"],
    ["224.0.0.1", "a multicast address"],
    ["239.255.255.255", "a multicast address"],
    ["240.0.0.1", "a reserved address"],
    ["255.255.255.255", "a reserved address"],
    ["8.8.8.8", BARE_ADDRESS],
    ["172.32.0.1", BARE_ADDRESS],
    ["100.128.0.1", BARE_ADDRESS],
    ["168.63.129.16", BARE_ADDRESS],
    ["223.255.255.255", BARE_ADDRESS],
    ["[2606:4700::1111]", BARE_ADDRESS],
    ["[2001:200::1]", BARE_ADDRESS],
    ["100.100.100.200", "a carrier-grade NAT address"],
    ["[fd00:ec2::254]", METADATA],
    ["[fd20:ce::254]", METADATA],
    ["metadata.google.internal", METADATA],
    ["METADATA.google.internal", METADATA],
    ["metadata", METADATA],
    ["instance-data.ec2.internal", METADATA],
    ["metadata.goog", METADATA],
    ["metadata.tencentyun.com", METADATA],
    ["shop.test", "a reserved name"],
    ["SHOP.TEST", "a reserved name"],
    ["test", "a reserved name"],
    ["shop.invalid", "a reserved name"],
    ["shop.example", "a reserved name"],
    ["shop.onion", "a reserved name"],
    ["nas.lan", "a reserved name"],
    ["a.b.corp", "a reserved name"],
    ["router.home", "a reserved name"],
    // The same addresses in spellings that a naive check misses.
    ["2852039166", "a link-local address"],
    ["0x08080808", BARE_ADDRESS],
    ["010.8.8.8", BARE_ADDRESS],
    ["8.8.8.8.", BARE_ADDRESS],
    ["8。8。8。8", BARE_ADDRESS],
    ["%38.8.8.8", BARE_ADDRESS],
    ["0xA9.0xFE.0xA9.0xFE", "a link-local address"],
    ["[::]", "an unspecified address"],
    ["[::ffff:10.0.0.1]", "an IPv4 address written as IPv6"],
    ["[::ffff:7f00:1]", "an IPv4 address written as IPv6"],
    ["[0:0:0:0:0:ffff:a9fe:a9fe]", "an IPv4 address written as IPv6"],
    ["[::10.0.0.1]", "a reserved address"],
    ["[64:ff9b::10.0.0.1]", "a reserved address"],
    ["[100::1]", "a reserved address"],
    ["[2001::1]", "a reserved address"],
    ["[2001:db8::1]", "a reserved address"],
    ["[2002:a00:1::1]", "a reserved address"],
    ["[3fff::1]", "a reserved address"],
    ["[4000::1]", "a reserved address"],
    ["[5f00::1]", "a reserved address"],
    ["[fe80::1]", "a link-local address"],
    ["[febf:ffff::1]", "a link-local address"],
    ["[fec0::1]", "a reserved address"],
    ["[ff02::1]", "a multicast address"],
    ["shop.example.com.", "a name that ends in a dot"],
    ["localhost.", "a name that ends in a dot"],
    ["a..example.com", "a name that can't be looked up"],
    ["xn--", "a name that can't be looked up"],
    ["a.xn--.com", "a name that can't be looked up"],
    [`${"a".repeat(64)}.example.com`, "a name that can't be looked up"],
    [`${"a.".repeat(126)}com`, "a name that can't be looked up"],
  ] as const)("refuses https to %s: %s", ([host, kind]) => {
    const refusal = { ok: false, error: `must name a public host; this is ${kind}` };
    expect(inProduction(`https://${host}/notify`)).toEqual(refusal);
    expect(inDevelopment(`https://${host}/notify`)).toEqual(refusal);
  });

  test("refuses http to a public host", () => {
    const url = "http://shop.example.com/";
    expect(inProduction(url)).toEqual({ ok: false, error: "must be https" });
    expect(inDevelopment(url)).toEqual({
      ok: false,
      error: "must be https, or http to a private host",
    });
  });

  test.for(["8.8.8.8", "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "shop.test"])(
    "refuses http to %s",
    (host) => {
      expect(inProduction(`http://${host}/`)).toEqual({ ok: false, error: "must be https" });
      expect(inDevelopment(`http://${host}/`)).toMatchObject({
        ok: false,
        error: expect.stringContaining("must name a public host"),
      });
    },
  );

  test("refuses a port below 1024 other than 443 and 80", () => {
    const error = "must not have a port below 1024 other than 443 and 80";
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65_535 }), (port) => {
        const expected =
          port >= 1024 || port === 443 || port === 80 ? { ok: true } : { ok: false, error };
        for (const path of ["", "/notify"]) {
          const url = `https://shop.example.com:${port}${path}`;
          expect(inProduction(url)).toMatchObject(expected);
          expect(inDevelopment(url)).toMatchObject(expected);
          expect(inDevelopment(`http://127.0.0.1:${port}${path}`)).toMatchObject(expected);
        }
      }),
    );
  });

  test("refuses every IPv4 and IPv6 address in production, in every spelling", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          ipv4Spelling,
          fc.ipV6().map((text) => `[${text}]`),
        ),
        (host) => {
          expect(inProduction(`https://${host}/`)).toMatchObject({
            ok: false,
            error: expect.stringContaining("must name a public host"),
          });
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("checkNotifyUrl, the gateway's own address", () => {
  const error = "must not be the gateway's own address";

  test.for([
    "https://pay.example.com/order",
    "https://pay.example.com",
    "https://pay.example.com:8443/pay",
    "https://PAY.Example.COM/pay",
    "https://p%61y.example.com/pay",
    "https://ｐａｙ.example.com/pay",
  ])("is refused: %s", (text) => {
    for (const publicUrl of [
      "https://pay.example.com",
      "https://PAY.example.com:444/base",
      "https://pay.example.com.",
    ]) {
      expect(inProduction(text, publicUrl)).toEqual({ ok: false, error });
      expect(inDevelopment(text, publicUrl)).toEqual({ ok: false, error });
    }
  });

  test("is refused in Unicode and in punycode", () => {
    for (const host of ["支付.商店.中国", "xn--bnq875c.xn--czrs0t.xn--fiqs8s"]) {
      expect(inProduction(`https://${host}/`, "https://支付.商店.中国")).toEqual({
        ok: false,
        error,
      });
    }
  });

  test("leaves other hosts of the same domain", () => {
    for (const host of [
      "shop.example.com",
      "a.pay.example.com",
      "example.com",
      "xpay.example.com",
    ]) {
      expect(inProduction(`https://${host}/`)).toMatchObject({ ok: true });
    }
  });

  test.for(["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "a.localhost"])(
    "is refused in development at the same port of the machine: %s",
    (host) => {
      expect(inDevelopment(`http://${host}:8787/pay`)).toEqual({ ok: false, error });
      expect(inDevelopment(`http://${host}:8788/pay`)).toMatchObject({ ok: true });
      expect(inDevelopment(`http://${host}/`, "http://localhost")).toEqual({ ok: false, error });
    },
  );

  test("is refused in development at the same port of the network", () => {
    const publicUrl = "http://host.docker.internal:8787";
    expect(inDevelopment("http://host.docker.internal:8787/", publicUrl)).toEqual({
      ok: false,
      error,
    });
    expect(inDevelopment("http://host.docker.internal:3000/", publicUrl)).toMatchObject({
      ok: true,
    });
  });
});

describe("checkNotifyUrl, in development only", () => {
  test.for([
    "localhost",
    "LOCALHOST:3000",
    "app.localhost:3000",
    "127.0.0.1:3000",
    "127.255.255.254",
    "127.1",
    "2130706433",
    "0x7f000001",
    "017700000001",
    "[::1]:3000",
    "[0:0:0:0:0:0:0:1]",
  ])("accepts loopback: %s", (host) => {
    expect(inDevelopment(`http://${host}/notify`).ok).toBe(true);
    expect(inDevelopment(`https://${host}/notify`).ok).toBe(true);
    expect(inProduction(`http://${host}/notify`)).toEqual({ ok: false, error: "must be https" });
    expect(inProduction(`https://${host}/notify`)).toEqual({
      ok: false,
      error: "must name a public host; this is a loopback one",
    });
  });

  test.for([
    ["printer.local", "a local name"],
    ["host.docker.internal", "a local name"],
    ["nas.home.arpa", "a local name"],
    ["web", "a name without a domain"],
    ["10.0.0.1", "a private address"],
    ["10.255.255.255", "a private address"],
    ["172.16.0.1", "a private address"],
    ["172.31.255.255", "a private address"],
    ["192.168.1.1", "a private address"],
    ["[fc00::1]", "a unique-local address"],
    ["[fd12:3456:789a::1]", "a unique-local address"],
    // The same private address in spellings that a naive check misses.
    ["3232235777", "a private address"],
    ["0xc0a80101", "a private address"],
    ["0300.0250.1.1", "a private address"],
    ["192.168.257", "a private address"],
    ["10.1", "a private address"],
    ["10.0.0.1.", "a private address"],
    ["１０.0.0.1", "a private address"],
    ["10。0。0。1", "a private address"],
    ["%31%30.0.0.1", "a private address"],
  ] as const)("accepts a private host: %s", ([host, kind]) => {
    const error = `must name a public host; this is ${kind}`;
    for (const port of ["", ":3000"]) {
      expect(inDevelopment(`http://${host}${port}/notify`).ok).toBe(true);
      expect(inDevelopment(`https://${host}${port}/notify`).ok).toBe(true);
      expect(inProduction(`https://${host}${port}/notify`)).toEqual({ ok: false, error });
      expect(inProduction(`http://${host}${port}/notify`)).toMatchObject({ ok: false });
    }
  });
});
