import { assertEquals } from "@std/assert";
import { authHosts, checkAuth } from "../../src/relay/auth.ts";

Deno.test("authHosts(): the public URL's host, and the one connected to only where that can't be a trick", () => {
  const table: [string, string, string[]][] = [
    ["wss://shop.example/relay", "http://shop.example/relay", ["shop.example"]],
    ["wss://shop.example/relay", "http://evil.example/relay", ["shop.example"]],
    ["wss://shop.example/relay", "http://127.0.0.1:8787/relay", ["shop.example", "127.0.0.1:8787"]],
    ["ws://127.0.0.1:8787/relay", "http://localhost:8787/relay", ["127.0.0.1:8787", "localhost:8787"]],
    ["ws://127.0.0.1:8787/relay", "http://192.168.1.5:8787/relay", ["127.0.0.1:8787", "192.168.1.5:8787"]],
    ["wss://127.evil.example", "http://localhost.evil.example/", ["127.evil.example"]],
    ["wss://Shop.Example:443", "nonsense", ["shop.example"]],
  ];
  for (const [url, connected, expected] of table) {
    assertEquals([...new Set(authHosts(url, connected))], expected, `${url} ${connected}`);
  }
});

Deno.test("checkAuth() takes the relay's URL with or without path, slash and default port", () => {
  const expected = { challenge: "c", hosts: ["shop.example"], now: 1_000 };
  const check = (relay: string, created_at = 1_000) =>
    checkAuth({
      id: "",
      pubkey: "",
      sig: "",
      content: "",
      kind: 22_242,
      created_at,
      tags: [["relay", relay], ["challenge", "c"]],
    }, expected).ok;
  for (
    const url of [
      "wss://shop.example",
      "wss://shop.example/",
      "wss://SHOP.example:443/relay",
      "ws://shop.example",
    ]
  ) {
    assertEquals(check(url), true, url);
  }
  for (
    const url of [
      "",
      "shop.example",
      "wss://shop.example:8443",
      "wss://shop.example.evil",
      "wss://evil/shop.example",
    ]
  ) {
    assertEquals(check(url), false, url);
  }
  assertEquals([400, 399, 1_600, 1_601].map((at) => check("wss://shop.example", at)), [
    true,
    false,
    true,
    false,
  ]);
});
