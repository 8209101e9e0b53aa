import { assert, assertEquals, assertRejects } from "@std/assert";
import { Address, OutScript } from "@scure/btc-signer";
import { systemClock } from "../../../src/clock.ts";
import { ChainError, type ChainServer } from "../../../src/payments/chain/chain_server.ts";
import { readServer } from "../../../src/payments/chain/server_address.ts";
import { ElectrumServer } from "../../../src/payments/chain/electrum_server.ts";
import { ElectrumFake, transaction } from "../../support/electrum_fake.ts";
import { testAccount } from "../../support/fake_chain.ts";
import { CERTIFICATE, KEY } from "../../support/https_server.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const NET = { bech32: "bcrt", pubKeyHash: 0x6f, scriptHash: 0xc4, wif: 0xef };
const ours = testAccount().derive(0, "bcrt");
const other = testAccount().derive(1, "bcrt");
const paying = (address: string, amountSat: bigint) => ({
  script: OutScript.encode(Address(NET).decode(address)),
  amountSat,
});
const never = new AbortController().signal;

async function open(fake: ElectrumFake, clock = systemClock): Promise<ChainServer> {
  const read = readServer(`electrum+tcp://127.0.0.1:${fake.port}`);
  assert(read.ok);
  return await read.open(clock).open(never);
}

Deno.test("an address' outputs are read out of the transactions themselves", async () => {
  await using fake = new ElectrumFake();
  const one = transaction([paying(other.address, 7n), paying(ours.address, 5n), paying(ours.address, 6n)]);
  const two = transaction([paying(ours.address, 9n)]);
  const spending = transaction([paying(other.address, 20n)]);
  fake.answers["blockchain.scripthash.get_history"] = ([hash]) =>
    hash === ours.scriptHash
      ? [
        { tx_hash: one.txid, height: 90 },
        { tx_hash: spending.txid, height: 95 },
        { tx_hash: two.txid, height: -1, fee: 10 },
      ]
      : [];
  fake.answers["blockchain.transaction.get"] = ([txid]) =>
    [one, two, spending].find((tx) => tx.txid === txid)!.raw;
  const server = await open(fake);
  assertEquals([server.network, await server.tip(never)], ["bcrt", 100]);
  assertEquals(await server.outputs(ours, { follow: true }, never), [
    { txid: one.txid, vout: 1, amountSat: 5n, height: 90 },
    { txid: one.txid, vout: 2, amountSat: 6n, height: 90 },
    { txid: two.txid, vout: 0, amountSat: 9n, height: null },
  ]);
  const before = fake.calls.length;
  await server.outputs(ours, { follow: true }, never);
  // What a transaction pays never changes, and whom we follow we follow.
  assertEquals(fake.calls.slice(before).map(([method]) => method), ["blockchain.scripthash.get_history"]);
  await server.close();
});

Deno.test("a transaction of any version is read", async () => {
  for (const version of [-1, 0, 4, -0x80000000, 0x7fffffff]) {
    await using fake = new ElectrumFake();
    const odd = transaction([paying(ours.address, 5n)], version);
    fake.answers["blockchain.scripthash.get_history"] = () => [{ tx_hash: odd.txid, height: 90 }];
    fake.answers["blockchain.transaction.get"] = () => odd.raw;
    const server = await open(fake);
    assertEquals((await server.outputs(ours, { follow: false }, never)).map((one) => one.amountSat), [5n]);
    await server.close();
  }
});

Deno.test("the server tells of blocks and of payments", async () => {
  await using fake = new ElectrumFake();
  const server = await open(fake);
  await server.outputs(ours, { follow: true }, never);
  await fake.tell("blockchain.headers.subscribe", [{ height: 101, hex: "00" }]);
  await fake.tell("blockchain.scripthash.subscribe", [ours.scriptHash, "ab".repeat(32)]);
  await server.outputs(other, { follow: false }, never);
  assertEquals([await server.tip(never), server.news(), server.news()], [101, [ours.scriptHash], []]);
  await server.close();
});

Deno.test("a silent connection is kept by a ping each minute", async () => {
  await using fake = new ElectrumFake();
  const clock = new FakeClock();
  const server = await open(fake, clock);
  const pings = () => fake.calls.filter(([method]) => method === "server.ping").length;
  await server.tip(never);
  clock.jump(61_000);
  await server.tip(never);
  await server.tip(never);
  assertEquals(pings(), 1);
  await server.close();
});

Deno.test("what a server says wrongly is an error, and no payment", async () => {
  const real = transaction([paying(ours.address, 5n)]);
  const bigger = transaction([paying(ours.address, 500n)]);
  const table: [string, (params: unknown[]) => unknown][] = [
    ["blockchain.transaction.get", () => bigger.raw],
    ["blockchain.transaction.get", () => real.raw.slice(0, 40)],
    ["blockchain.transaction.get", () => "00"],
    ["blockchain.transaction.get", () => ({})],
    ["blockchain.transaction.get", () => {
      throw new Error("no such transaction");
    }],
    ["blockchain.scripthash.get_history", () => [{ tx_hash: "../x", height: 1 }]],
    ["blockchain.scripthash.get_history", () => "none"],
    ["blockchain.scripthash.subscribe", () => {
      throw new Error("history too large");
    }],
  ];
  for (const [method, answer] of table) {
    await using fake = new ElectrumFake();
    fake.answers["blockchain.scripthash.get_history"] = () => [{ tx_hash: real.txid, height: 1 }];
    fake.answers["blockchain.transaction.get"] = () => real.raw;
    fake.answers[method] = answer;
    const server = await open(fake);
    await assertRejects(() => server.outputs(ours, { follow: true }, never), ChainError);
    await server.close();
  }
});

Deno.test("a server of an unknown chain, or one that speaks something else, isn't taken", async () => {
  for (const answer of [{ genesis_hash: "ab".repeat(32) }, {}, null]) {
    await using fake = new ElectrumFake();
    fake.answers["server.features"] = () => answer;
    await assertRejects(() => open(fake), ChainError);
  }
});

for (
  const [what, text] of [
    ["isn't JSON", "<html>\n"],
    ["isn't JSON-RPC", "[1,2]\n"],
    ["has no end", `"${"x".repeat(11 * 1024 * 1024)}`],
  ] as const
) {
  Deno.test(`a line that ${what} ends the connection`, async () => {
    await using fake = new ElectrumFake();
    const server = await open(fake);
    await fake.say(text).catch(() => undefined);
    for (const end = Date.now() + 10_000; Date.now() < end;) {
      try {
        await server.tip(never);
      } catch (error) {
        assert(error instanceof ChainError, String(error));
        return await server.close();
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error("it goes on");
  });
}

Deno.test("who waits hears that the connection ended, or that the time is up", async () => {
  await using fake = new ElectrumFake();
  fake.answers["blockchain.scripthash.get_history"] = () => undefined;
  const server = await open(fake);
  const waiting = assertRejects(() => server.outputs(ours, { follow: false }, never), ChainError, "ended");
  while (fake.calls.at(-1)![0] !== "blockchain.scripthash.get_history") {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const impatient = new AbortController();
  const timed = assertRejects(
    () => server.outputs(other, { follow: false }, impatient.signal),
    ChainError,
    "no answer to blockchain.scripthash.get_history in time",
  );
  impatient.abort();
  await timed;
  fake.hangUp();
  await waiting;
  await assertRejects(() => server.tip(never), ChainError);
  await server.close();
});

Deno.test("TLS: a certificate that is trusted for the name is taken, no other, and nothing that isn't TLS", async () => {
  const tls = { cert: CERTIFICATE, key: KEY };
  const connect = (port: number, caCerts: string[], signal = never) => {
    const address = { host: "127.0.0.1", port, tls: true, caCerts };
    return ElectrumServer.open({ name: "tls", address, clock: systemClock }, signal);
  };
  await using fake = new ElectrumFake(tls);
  const server = await connect(fake.port, [CERTIFICATE]);
  assertEquals(await server.tip(never), 100);
  await server.close();
  await assertRejects(() => connect(fake.port, []), ChainError, "no connection");
  await using plain = new ElectrumFake();
  await assertRejects(() => connect(plain.port, [CERTIFICATE]), ChainError, "no connection");
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const impatient = new AbortController();
  const waiting = assertRejects(
    () => connect(silent.addr.port, [CERTIFICATE], impatient.signal),
    ChainError,
    "in time",
  );
  using _connection = await silent.accept();
  impatient.abort();
  await waiting;
});

Deno.test("nobody is there", async () => {
  const port = await (async () => {
    await using fake = new ElectrumFake();
    return fake.port;
  })();
  const read = readServer(`electrum+tcp://127.0.0.1:${port}`);
  assert(read.ok);
  await assertRejects(() => read.open(systemClock).open(never), ChainError, "no connection");
});

Deno.test("which texts name a server", () => {
  const good = [
    "electrum+ssl://electrum.example.com:50002",
    "electrum+tcp://[::1]:50001",
    "electrum+tcp://127.0.0.1:50001/",
    "esplora+https://mempool.space/api",
    "esplora+http://127.0.0.1:3000",
  ];
  for (const text of good) assert(readServer(text).ok, text);
  const bad = [
    "",
    "electrum.example.com:50002",
    "electrum://electrum.example.com:50002",
    "electrum+ssl://electrum.example.com",
    "electrum+ssl://electrum.example.com:50002/path",
    "electrum+ssl://user:word@electrum.example.com:50002",
    "esplora+https://mempool.space/api?key=1",
    "https://mempool.space/api",
  ];
  for (const text of bad) assert(!readServer(text).ok, text);
});
