import { assertEquals } from "@std/assert";
import { readLightningAddress, sameSite } from "../../../src/payments/wallets/lnaddress/address.ts";

Deno.test("readLightningAddress() reads what LUD-16 calls an address, and nothing else", () => {
  const good: [string, string][] = [
    ["me@example.com", "https://example.com/.well-known/lnurlp/me"],
    [" Me@Example.COM ", "https://example.com/.well-known/lnurlp/me"],
    ["a-b_c.d9+tag@pay.example.co.uk", "https://pay.example.co.uk/.well-known/lnurlp/a-b_c.d9%2Btag"],
    ["me@example.com:8443", "https://example.com:8443/.well-known/lnurlp/me"],
    ["me@xn--bcher-kva.example", "https://xn--bcher-kva.example/.well-known/lnurlp/me"],
  ];
  for (const [text, url] of good) assertEquals(readLightningAddress(text)?.url, url, text);
  for (
    const bad of [
      "",
      "me",
      "@example.com",
      "me@",
      "me@localhost",
      "me@127.0.0.1",
      "me@2130706433",
      "me@[::1]",
      "me@example.com/path",
      "me@example.com?x=1",
      "me@example.com:99999",
      "me@example.com:x",
      "me@you@example.com",
      "me:secret@example.com",
      "../me@example.com",
      "me%2f@example.com",
      "mé@example.com",
      "me@exam ple.com",
      "me@-example.com",
      "me@example..com",
      `${"a".repeat(65)}@example.com`,
      `me@${"a".repeat(64)}.com`,
    ]
  ) assertEquals(readLightningAddress(bad), null, bad);
});

Deno.test("sameSite() takes hosts of one registered name for the same people", () => {
  const same: [string, string, boolean][] = [
    ["example.com", "example.com", true],
    ["pay.example.com", "example.com", true],
    ["pay.example.com", "verify.example.com", true],
    ["api.mom.ac", "mom.ac", true],
    ["example.com", "example.net", false],
    ["badexample.com", "example.com", false],
    ["one.co.uk", "other.co.uk", false],
    ["a.one.co.uk", "b.one.co.uk", true],
    ["api.blink.sv", "pay.blink.sv", true],
    ["com", "example.com", true],
  ];
  for (const [one, other, expected] of same) {
    assertEquals(sameSite(one, other), expected, `${one} ${other}`);
    assertEquals(sameSite(other, one), expected, `${other} ${one}`);
  }
});
