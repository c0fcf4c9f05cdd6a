import { describe, expect, test } from "vitest";
import { checkNotifyUrl } from "../../src/domain/notify-url.ts";

const inProduction = (text: string) => checkNotifyUrl(text, { loopbackAllowed: false });
const inDevelopment = (text: string) => checkNotifyUrl(text, { loopbackAllowed: true });

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
    ["https://local.example/", "https://local.example/"],
    ["https://商店.中国/通知", "https://xn--czrs0t.xn--fiqs8s/%E9%80%9A%E7%9F%A5"],
    ["https://8.8.8.8/", "https://8.8.8.8/"],
    ["https://172.32.0.1/", "https://172.32.0.1/"],
    ["https://100.128.0.1/", "https://100.128.0.1/"],
    ["https://223.255.255.255/", "https://223.255.255.255/"],
    ["https://[2606:4700::1111]/", "https://[2606:4700::1111]/"],
    ["https://[2001:200::1]/", "https://[2001:200::1]/"],
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
    ["10.0.0.1", "a private address"],
    ["10.255.255.255", "a private address"],
    ["100.64.0.1", "a carrier-grade NAT address"],
    ["100.127.255.255", "a carrier-grade NAT address"],
    ["169.254.169.254", "a link-local address"],
    ["172.16.0.1", "a private address"],
    ["172.31.255.255", "a private address"],
    ["192.0.0.1", "a reserved address"],
    ["192.0.2.1", "a reserved address"],
    ["192.168.1.1", "a private address"],
    ["198.18.0.1", "a reserved address"],
    ["198.19.255.255", "a reserved address"],
    ["198.51.100.7", "a reserved address"],
    ["203.0.113.7", "a reserved address"],
    ["224.0.0.1", "a multicast address"],
    ["239.255.255.255", "a multicast address"],
    ["240.0.0.1", "a reserved address"],
    ["255.255.255.255", "a reserved address"],
    // The same private address in spellings that a naive check misses.
    ["3232235777", "a private address"],
    ["0xc0a80101", "a private address"],
    ["0300.0250.1.1", "a private address"],
    ["192.168.257", "a private address"],
    ["0xA9.0xFE.0xA9.0xFE", "a link-local address"],
    ["10.1", "a private address"],
    ["10.0.0.1.", "a private address"],
    ["１０.0.0.1", "a private address"],
    ["10。0。0。1", "a private address"],
    ["%31%30.0.0.1", "a private address"],
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
    ["[fc00::1]", "a unique-local address"],
    ["[fd12:3456:789a::1]", "a unique-local address"],
    ["[fe80::1]", "a link-local address"],
    ["[febf:ffff::1]", "a link-local address"],
    ["[fec0::1]", "a reserved address"],
    ["[ff02::1]", "a multicast address"],
    ["shop.example.com.", "a name that ends in a dot"],
    ["localhost.", "a name that ends in a dot"],
    ["a..example.com", "a name that can't be looked up"],
    [`${"a".repeat(64)}.example.com`, "a name that can't be looked up"],
    [`${"a.".repeat(126)}com`, "a name that can't be looked up"],
    ["intranet", "a name without a domain"],
  ] as const)("refuses https to %s: %s", ([host, kind]) => {
    const refusal = { ok: false, error: `must name a public host; this is ${kind}` };
    expect(inProduction(`https://${host}/notify`)).toEqual(refusal);
    expect(inDevelopment(`https://${host}/notify`)).toEqual(refusal);
  });

  test.for(["shop.example.com", "8.8.8.8", "10.0.0.1", "host.internal", "[fe80::1]"])(
    "refuses http to %s",
    (host) => {
      expect(inProduction(`http://${host}/`)).toEqual({ ok: false, error: "must be https" });
      expect(inDevelopment(`http://${host}/`)).toEqual({
        ok: false,
        error: "must be https, or http to a loopback address",
      });
    },
  );
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

  test.for(["printer.local", "host.docker.internal", "metadata.google.internal", "nas.home.arpa"])(
    "accepts a local name over https: %s",
    (host) => {
      expect(inDevelopment(`https://${host}/notify`).ok).toBe(true);
      expect(inProduction(`https://${host}/notify`)).toEqual({
        ok: false,
        error: "must name a public host; this is a local name",
      });
    },
  );
});
