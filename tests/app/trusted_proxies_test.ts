import { assert, assertEquals } from "@std/assert";
import { HttpServer } from "../../src/app/http_server.ts";
import { judgeSetting } from "../../src/app/settings_check.ts";
import { networkProblem, TrustedProxies } from "../../src/app/trusted_proxies.ts";
import { problemsText, readSettings } from "../../src/settings_reader.ts";
import { TestApi } from "../api/test_api.ts";
import { silentLog } from "../support/log.ts";

const proxies = new TrustedProxies(["10.0.0.0/8", "127.0.0.1", "fd00::/8", "::1"]);

const cases: [what: string, remote: string, forwardedFor: string | null, client: string][] = [
  ["nothing is forwarded", "10.0.0.1", null, "10.0.0.1"],
  ["a stranger's word is worth nothing", "203.0.113.9", "198.51.100.1", "203.0.113.9"],
  ["a proxy's word counts", "10.0.0.1", "198.51.100.1", "198.51.100.1"],
  ["what the client wrote itself doesn't", "10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"],
  ["hops of ours are passed over", "127.0.0.1", "1.2.3.4, 198.51.100.1, 10.1.1.1, fd12::1", "198.51.100.1"],
  ["all are ours: the farthest", "127.0.0.1", "10.0.0.7, 10.0.0.8", "10.0.0.7"],
  ["with a port", "127.0.0.1", "198.51.100.1:5123", "198.51.100.1"],
  ["IPv6", "::1", "2001:db8::7", "2001:db8::7"],
  ["IPv6 in brackets, with a port", "::1", "[2001:DB8::7]:443", "2001:db8::7"],
  ["IPv6 in brackets", "::1", "[2001:db8::7]", "2001:db8::7"],
  [
    "IPv4 in IPv6's clothes, as proxy and as client",
    "::ffff:10.0.0.1",
    "::ffff:198.51.100.1",
    "198.51.100.1",
  ],
  ["a zone", "fd00::1%eth0", "198.51.100.1", "198.51.100.1"],
  [
    "what can't be read ends it at who passed it on",
    "10.0.0.1",
    "198.51.100.1, unknown, 10.0.0.2",
    "10.0.0.2",
  ],
  ["an empty header", "10.0.0.1", "", "10.0.0.1"],
  ["no more hops than are honest", "10.0.0.1", `1.2.3.4${", 10.0.0.9".repeat(30)}`, "10.0.0.9"],
];

for (const [what, remote, forwardedFor, client] of cases) {
  Deno.test(`whose request it is behind proxies: ${what}`, () => {
    assertEquals(proxies.clientOf(remote, forwardedFor), client);
  });
}

Deno.test("without trusted proxies nobody is believed", () => {
  const none = new TrustedProxies([]);
  assertEquals(none.clientOf("127.0.0.1", "198.51.100.1"), "127.0.0.1");
  assertEquals(none.clientOf("", "198.51.100.1"), "");
});

for (
  const [trustedProxies, seen] of [[["127.0.0.1"], "198.51.100.1"], [["10.0.0.0/8"], "127.0.0.1"]] as const
) {
  Deno.test(`the HTTP port hands on whose request it is, where ${trustedProxies} is trusted`, async () => {
    const server = new HttpServer({
      host: "127.0.0.1",
      port: 0,
      log: silentLog,
      trustedProxies,
      handle: (_request, address) => new Response(address),
    });
    await server.start();
    const headers = { "x-forwarded-for": "1.2.3.4, 198.51.100.1" };
    const answer = await fetch(`http://127.0.0.1:${server.port}/`, { headers });
    assertEquals(await answer.text(), seen);
    await server.stop();
  });
}

for (const [trusted, others] of [["127.0.0.1", 401], ["10.0.0.0/8", 429]] as const) {
  Deno.test(`who guesses tokens through a proxy is paused alone where NCC_TRUSTED_PROXIES says ${trusted}: others hear ${others}`, async () => {
    await using api = await TestApi.open({
      live: true,
      settings: { NCC_PORT: "0", NCC_TRUSTED_PROXIES: trusted },
    });
    const url = await api.start();
    const guess = async (client: string) => {
      const response = await fetch(`${url}/api/v1/orders`, {
        headers: { authorization: "Bearer a-wrong-one", "x-forwarded-for": client },
      });
      await response.body?.cancel();
      return response.status;
    };
    for (let i = 0; i < 5; i++) assertEquals(await guess("198.51.100.1"), 401);
    assertEquals([await guess("198.51.100.1"), await guess("198.51.100.2")], [429, others]);
  });
}

Deno.test("networkProblem() knows addresses and networks, and refuses everybody", () => {
  for (const good of ["10.0.0.1", "10.0.0.0/8", "::1", "fd00::/8", "192.168.1.0/32"]) {
    assertEquals(networkProblem(good), null, good);
  }
  const bad = ["proxy", "10.0.0", "10.0.0.0/33", "::1/129", "10.0.0.0/", "10.0.0.0/8/8", "0.0.0.0/0", "::/0"];
  for (const text of bad) assert(networkProblem(text)?.includes(text), text);
  const read = readSettings({ NCC_TRUSTED_PROXIES: "10.0.0.1, proxy" }, () => "", judgeSetting);
  assert(!read.ok && problemsText(read.problems).includes('"proxy" is no address'));
});
