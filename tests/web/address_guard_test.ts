import { assert, assertEquals } from "@std/assert";
import { isPublicAddress } from "../../src/web/address_range.ts";
import { AddressGuard } from "../../src/web/address_guard.ts";

/** Names of the test's own DNS. */
const NAMES: Record<string, string[]> = {
  "relay.example.com": ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"],
  "metadata.example.com": ["169.254.169.254"],
  "half.example.com": ["93.184.215.14", "10.0.0.7"],
  "six.example.com": ["fd00::1"],
  "mapped.example.com": ["::ffff:192.168.1.1"],
  "nothing.example.com": [],
};
const guard = new AddressGuard({
  resolve: (host) => {
    const found = NAMES[host];
    return found
      ? Promise.resolve(found)
      : Promise.reject(new Error("its name can't be resolved (ENOTFOUND)"));
  },
});

const HOSTILE = [
  // Loopback and its odd spellings
  "wss://127.0.0.1/",
  "wss://127.1/",
  "wss://2130706433/",
  "wss://0x7f000001/",
  "wss://0x7f.1/",
  "wss://0177.0.0.1/",
  "wss://１２７.０.０.１/",
  "wss://127.0.0.1./",
  "wss://%31%32%37.0.0.1/",
  "wss://0.0.0.0/",
  "wss://0/",
  "wss://[::1]/",
  "wss://[::]/",
  "wss://[::ffff:127.0.0.1]/",
  "wss://[::ffff:7f00:1]/",
  "wss://[0:0:0:0:0:ffff:7f00:1]/",
  "wss://[::127.0.0.1]/",
  "wss://[64:ff9b::7f00:1]/",
  "wss://[64:ff9b:1::a00:1]/",
  "wss://[2002:7f00:1::]/",
  "wss://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
  // Names of this machine and its network
  "wss://localhost/",
  "wss://LOCALHOST./",
  "wss://relay.localhost/",
  "wss://printer.local/",
  "wss://intranet/",
  "wss://db.internal/",
  "wss://router.lan/",
  "wss://1.0.0.127.in-addr.arpa/",
  "wss://expyuzz4wqqyqhjn.onion/",
  // Networks that aren't public
  "wss://10.0.0.1/",
  "wss://172.16.0.1/",
  "wss://172.31.255.255/",
  "wss://192.168.0.1/",
  "wss://100.64.0.1/",
  "wss://169.254.169.254/latest/meta-data/",
  "wss://198.18.0.1/",
  "wss://192.0.0.8/",
  "wss://203.0.113.9/",
  "wss://224.0.0.1/",
  "wss://255.255.255.255/",
  "wss://[fd00::1]/",
  "wss://[fe80::1]/",
  "wss://[fec0::1]/",
  "wss://[ff02::1]/",
  "wss://[2001:db8::1]/",
  "wss://[100::1]/",
  // Names that resolve to such
  "wss://metadata.example.com/",
  "wss://half.example.com/",
  "wss://six.example.com/",
  "wss://mapped.example.com/",
  "wss://nothing.example.com/",
  "wss://unknown.example.com/",
  // Other than the address
  "ws://relay.example.com/",
  "https://relay.example.com/",
  "file:///etc/passwd",
  "javascript:alert(1)",
  "wss://me:secret@relay.example.com/",
  "wss://relay.example.com:22/",
  "wss://relay.example.com:6379/",
  "wss://relay.example.com:0/",
  "wss://relay.example.com@10.0.0.1/",
  "wss://relay example.com/",
  "wss://[fe80::1%25eth0]/",
  `wss://${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(63)}.com/`,
  "wss://",
  "relay.example.com",
  "",
];

Deno.test("no hostile URL passes, however it is spelt", async () => {
  const passed: string[] = [];
  for (const url of HOSTILE) if ((await guard.check(url, "wss:")).ok) passed.push(url);
  assertEquals(passed, []);
  assert(HOSTILE.length >= 40);
});

Deno.test("names of local networks are refused whatever they resolve to", () => {
  const names = [
    "localhost",
    "a.localhost.",
    "printer.local",
    "db.internal",
    "router.lan",
    "nas.home.arpa",
    "x.onion",
  ];
  for (const name of [...names, "intranet"]) {
    assertEquals(guard.refuse(`wss://${name}/`, "wss:"), "a name of a local network");
  }
});

Deno.test("public relays pass, by name and by address", async () => {
  const urls = [
    "wss://relay.example.com",
    "wss://relay.example.com:443/inbox",
    "wss://RELAY.example.com:7777",
    "wss://93.184.215.14",
    "wss://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:8443/",
    "wss://[::ffff:93.184.215.14]/",
  ];
  for (const url of urls) assertEquals(await guard.check(url, "wss:"), { ok: true }, url);
  assertEquals(await guard.check("https://relay.example.com/lnurl", "https:"), { ok: true });
});

Deno.test("isPublicAddress() knows the edges of the ranges", () => {
  const edges: [string, boolean][] = [
    ["9.255.255.255", true],
    ["10.0.0.0", false],
    ["10.255.255.255", false],
    ["11.0.0.0", true],
    ["100.63.255.255", true],
    ["100.127.255.255", false],
    ["100.128.0.0", true],
    ["172.15.255.255", true],
    ["172.32.0.0", true],
    ["192.0.1.1", true],
    ["223.255.255.255", true],
    ["224.0.0.0", false],
    ["2000::", true],
    ["1fff::1", false],
    ["3ffe::1", true],
    ["3fff::1", false],
    ["4000::1", false],
    ["2001:1ff::1", false],
    ["2001:200::1", true],
    ["2003::1", true],
    ["64:ff9b::5db8:d70e", true],
    ["64:ff9b::10.0.0.1", false],
    ["fe80::1%eth0", false],
    ["127.1", false],
    ["010.0.0.1", false],
    ["", false],
    ["relay.example.com", false],
  ];
  for (const [address, expected] of edges) assertEquals(isPublicAddress(address), expected, address);
});

Deno.test("lookup gives a connection checked addresses only, and says why it has none", async () => {
  const ask = (host: string, all: boolean) =>
    new Promise((resolve) =>
      guard.lookup(host, { all }, (error, ...found) => resolve(error ? error.message : found))
    );
  assertEquals(await ask("relay.example.com", false), ["93.184.215.14", 4]);
  assertEquals(await ask("relay.example.com", true), [[
    { address: "93.184.215.14", family: 4 },
    { address: "2606:2800:21f:cb07:6820:80da:af6b:8b2c", family: 6 },
  ]]);
  assertEquals(await ask("half.example.com", true), "not a public address");
  assertEquals(await ask("unknown.example.com", true), "its name can't be resolved (ENOTFOUND)");
});

Deno.test("the machine's own resolver is asked by default", async () => {
  const own = new AddressGuard({ isAllowed: () => true });
  const found = await new Promise((resolve) =>
    own.lookup("localhost", { all: false }, (_error, address) => resolve(address))
  );
  assert(found === "127.0.0.1" || found === "::1");
});
