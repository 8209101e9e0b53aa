import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { checkBtc, firstMerchant } from "../../src/app/btc.ts";
import { lookAtBtc } from "../../src/app/doctor/btc.ts";
import { btcObservation } from "../../src/app/observations.ts";
import { judgeSetting } from "../../src/app/settings_check.ts";
import { systemClock } from "../../src/clock.ts";
import type { OnChain } from "../../src/payments/chain/on_chain.ts";
import { systemRandom } from "../../src/random.ts";
import { problemsText, readSettings } from "../../src/settings_reader.ts";
import { TestApi } from "../api/test_api.ts";
import { ElectrumFake } from "../support/electrum_fake.ts";
import { TEST_KEY } from "../support/fake_chain.ts";
import { silentLog } from "../support/log.ts";
import { until } from "../support/wire.ts";

const read = (environment: Record<string, string>) => readSettings(environment, () => "", judgeSetting);

Deno.test("which settings of on-chain payments are taken", () => {
  const servers = "electrum+ssl://electrum.example.com:50002, esplora+https://mempool.space/api";
  const good = read({ NCC_BTC: TEST_KEY, NCC_BTC_SERVERS: servers });
  assert(good.ok, good.ok ? "" : problemsText(good.problems));
  const { NCC_BTC_SERVERS, NCC_BTC_CONFIRMATIONS, NCC_BTC_MIN, NCC_BTC_GAP } = good.settings;
  assertEquals([NCC_BTC_SERVERS.length, NCC_BTC_CONFIRMATIONS, NCC_BTC_MIN, NCC_BTC_GAP], [2, 1, 10_000, 20]);
  // Addresses that were given out are watched when none are any more.
  assert(read({ NCC_BTC_SERVERS: servers }).ok);
  const bad: [Record<string, string>, string, RegExp][] = [
    [{ NCC_BTC: TEST_KEY }, "NCC_BTC_SERVERS", /nobody would see/],
    [{ NCC_BTC: TEST_KEY.replace("tpub", "tprv"), NCC_BTC_SERVERS: servers }, "NCC_BTC", /private key/],
    [{ NCC_BTC_SERVERS: "electrum.example.com:50002" }, "NCC_BTC_SERVERS", /is not a server/],
    [{ NCC_BTC_CONFIRMATIONS: "0" }, "NCC_BTC_CONFIRMATIONS", /between 1 and 100/],
    [{ NCC_BTC_MIN: "10" }, "NCC_BTC_MIN", /between/],
  ];
  for (const [environment, key, reason] of bad) {
    const refused = read(environment);
    assert(!refused.ok);
    assertEquals(refused.problems.map((problem) => problem.key), [key]);
    assertMatch(refused.problems[0]!.reason, reason);
    assert(!problemsText(refused.problems).includes(TEST_KEY.slice(8)), "a key is quoted");
  }
});

Deno.test("the doctor asks each server for its chain", async () => {
  await using fake = new ElectrumFake();
  const look = async (environment: Record<string, string>) => {
    const settings = read(environment);
    assert(settings.ok);
    const patient = { settings: settings.settings, clock: systemClock, random: systemRandom, log: silentLog };
    return (await lookAtBtc(patient)).map(({ state, detail }) => [state, detail]);
  };
  const server = `electrum+tcp://127.0.0.1:${fake.port}`;
  assertEquals(await look({}), []);
  assertEquals(await look({ NCC_BTC: TEST_KEY, NCC_BTC_SERVERS: server }), [
    ["ok", `127.0.0.1:${fake.port}: block 100 of the network bcrt`],
  ]);
  const genesis = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
  fake.answers["server.features"] = () => ({ genesis_hash: genesis });
  const [[state, detail] = []] = await look({ NCC_BTC: TEST_KEY, NCC_BTC_SERVERS: server });
  assertEquals(state, "problem");
  assertStringIncludes(detail!, "another network (bc)");
  const away = await look({ NCC_BTC_SERVERS: "electrum+tcp://127.0.0.1:1" });
  assertEquals(away.map(([state]) => state), ["problem"]);
});

Deno.test("health says how the chain is watched", async () => {
  await using fake = new ElectrumFake();
  const servers = `electrum+tcp://127.0.0.1:${fake.port}`;
  const settings = { NCC_BTC: TEST_KEY, NCC_BTC_SERVERS: servers, NCC_PORT: "0" };
  await using api = await TestApi.open({ settings, live: true });
  await api.start();
  const check = async () => (await api.app.health()).checks.btc!;
  await until(async () => (await check()).detail === `127.0.0.1:${fake.port}`);
  assertEquals((await check()).ok, true);
  const rows = await api.app.database.kysely.selectFrom("chain_accounts").selectAll().execute();
  assertEquals(rows.map((row) => [row.network, row.next_index]), [["bcrt", 0]]);
  fake.answers["server.features"] = () => ({ genesis_hash: "ab".repeat(32) });
  fake.hangUp();
  await until(async () => (await check()).detail.includes("unknown chain"));
  assertEquals((await check()).ok, false);
});

Deno.test("owners hear when nothing is watched, when no address is left, and when a payment waits for a second opinion", () => {
  const seen = (up: boolean | null, exhausted = false, problem: string | null = null) => {
    const btc = { watcher: { up, detail: "server", problem }, offers: { exhausted } } as unknown as OnChain;
    return [btcObservation(btc, "merchant").map((one) => one.up), checkBtc(btc)!.ok];
  };
  assertEquals(seen(null), [[null], true]);
  assertEquals(seen(true), [[true], true]);
  assertEquals(seen(false), [[false], false]);
  assertEquals(seen(true, true), [[false], false]);
  assertEquals(seen(true, false, "nobody confirms it"), [[false], false]);
  assertEquals([btcObservation(null, "merchant"), checkBtc(null)], [[], null]);
});

Deno.test("the wallet is of the merchant whose key the settings have, or who has its shop now", () => {
  const row = (pubkey: string, key_source: string, moved_to: string | null) => ({
    row: { pubkey, key_source, moved_to },
  });
  const first = (...all: ReturnType<typeof row>[]) =>
    firstMerchant(
      {
        all: () => all,
        get: (pubkey: string) => all.find((one) => one.row.pubkey === pubkey),
      } as unknown as Parameters<typeof firstMerchant>[0],
    );
  assertEquals(first(), null);
  assertEquals(first(row("b", "secrets", null), row("a", "settings", null)), "a");
  assertEquals(first(row("a", "settings", "b"), row("b", "secrets", "c"), row("c", "secrets", null)), "c");
  assertEquals(first(row("a", "settings", "gone")), null);
});
