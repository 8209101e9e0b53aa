import { assert, assertEquals } from "@std/assert";
import { onEachDatabase } from "../../support/databases.ts";
import { PriceServer } from "./price_server.ts";
import { leaseOf, RatesScene } from "./rates_scene.ts";

const MINUTE = 60_000;
const SOURCES = ["coinbase", "kraken", "bitstamp"];

onEachDatabase(
  "of several processes one asks, all have its rates, and when it ends another goes on",
  async (database) => {
    await using scene = await RatesScene.open({ database });
    const { server, clock } = scene;
    const others = [await scene.another(), await scene.another()];
    const all = () => [scene.rates, ...others].map((rates) => rates.rate("EUR")?.perBtc);
    await scene.passes(2 * MINUTE);
    const before = server.count("kraken");
    for (let minute = 1; minute <= 20; minute++) {
      server.says("EUR", String(90_000 + minute));
      await scene.passes(MINUTE);
      // Some see it a little later.
      await scene.passes(15_000);
      assertEquals(all(), Array(3).fill(String(90_000 + minute)));
    }
    const asked = server.count("kraken") - before;
    assert(asked <= 27, `${asked} in 25 minutes`);

    server.says("EUR", "91000");
    await scene.stops();
    await scene.passes(MINUTE + 15_000);
    assertEquals(others.map((rates) => rates.rate("EUR")?.perBtc), ["91000", "91000"]);
    const later = server.count("kraken");
    await scene.passes(10 * MINUTE);
    assert(server.count("kraken") - later <= 11, String(server.count("kraken") - later));
    assert(clock.now() - others[0]!.rate("EUR")!.at <= 80_000);
  },
);

onEachDatabase(
  "without young rates every process asks by itself, and knows why there are none",
  async (database) => {
    await using scene = await RatesScene.open({ database });
    const other = await scene.another();
    await scene.passes(3 * MINUTE);
    for (const name of SOURCES) scene.server.faults.set(name, { status: 503 });
    await scene.passes(6 * MINUTE);
    for (const rates of [scene.rates, other]) {
      const { currencies, sources } = rates.look();
      assertEquals(currencies.map(({ state, why }) => [state, why]), [["stale", "no source has a price"]]);
      assertEquals(sources.map(({ error }) => error), ["HTTP 503", "HTTP 503", "HTTP 503"]);
    }
    const told = scene.told;
    scene.server.faults.clear();
    await scene.passes(65_000);
    // What waits for a rate may be with either.
    assertEquals(scene.told, told + 2);
    await scene.passes(2 * MINUTE);
    for (const rates of [scene.rates, other]) {
      assertEquals(rates.rate("EUR")?.perBtc, "90000");
      // What one's own sources said before is over.
      assertEquals(rates.look().sources.map(({ error }) => error), [null, null, null]);
    }
  },
);

onEachDatabase(
  "a source that fails shows where it is asked, and not for ever where it was",
  async (database) => {
    const server = new PriceServer();
    server.faults.set("kraken", { status: 503 });
    await using scene = await RatesScene.open({ database, server });
    const other = await scene.another();
    const errors = () =>
      [scene.rates, other].map((rates) => rates.look().sources.find(({ name }) => name === "kraken")!.error);
    assertEquals(errors(), ["HTTP 503", null]);
    await scene.passes(5 * MINUTE);
    assertEquals(errors().filter((error) => error !== null), ["HTTP 503"]);
    server.faults.clear();
    await scene.passes(10 * MINUTE);
    assertEquals(errors(), [null, null]);
  },
);

onEachDatabase(
  "who may ask for all and doesn't get a rate, or is gone, keeps nobody else from asking for long",
  async (database) => {
    await using scene = await RatesScene.open({ database, start: false });
    assert(await leaseOf(database, scene.clock, "another", 60 * MINUTE).acquire());
    await scene.starts();
    for (let seconds = 0; seconds < 600; seconds += 20) {
      await scene.passes(20_000);
      const age = scene.clock.now() - scene.rates.rate("EUR")!.at;
      assert(age <= 2 * MINUTE + 10_000, `${age} ms old after ${seconds} s`);
    }
  },
);
