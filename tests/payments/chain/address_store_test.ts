import { assertEquals } from "@std/assert";
import type { Database } from "../../../src/db/database.ts";
import { accountId, BtcOffers } from "../../../src/payments/chain/btc_offers.ts";
import { claimDue, openAccount } from "../../../src/payments/chain/chain_store.ts";
import type { Network } from "../../../src/payments/wallet.ts";
import { onEachDatabase, onEachSharedDatabase } from "../../support/databases.ts";
import { testAccount } from "../../support/fake_chain.ts";
import { silentLog } from "../../support/log.ts";

const account = testAccount();
const MERCHANT = "m".repeat(64);

function offers(
  o: { gapLimit?: number; network?: Network | null; merchant?: string | null } = {},
): BtcOffers {
  const { gapLimit = 100, network = "bcrt", merchant = MERCHANT } = o;
  return new BtcOffers({
    account,
    merchant: () => merchant,
    network: () => network,
    leastSat: 10n,
    gapLimit,
    log: silentLog,
  });
}

async function known(database: Database, firstIndex = 0): Promise<void> {
  const id = accountId(account, "bcrt");
  await database.transaction((tx) =>
    openAccount(tx, { id, merchant: MERCHANT, network: "bcrt", firstIndex, now: 1 })
  );
}

function ask(
  database: Database,
  orderId: string,
  more: Partial<{ network: Network; amountMsat: bigint }> = {},
) {
  const asked = {
    merchant: MERCHANT,
    orderId,
    amountMsat: 50_000n,
    network: "bcrt" as Network,
    now: 5,
    ...more,
  };
  return (its: BtcOffers) => database.transaction((tx) => its.link(tx, asked));
}

onEachSharedDatabase("two processes at once never give an address to two orders", async (shared) => {
  const [one, two] = [await shared.open(), await shared.open()];
  await known(one);
  const links = await Promise.all(
    Array.from({ length: 20 }, (_, i) => ask(i % 2 ? one : two, `order-${i}`)(offers())),
  );
  assertEquals(new Set(links.map((link) => link!.link)).size, 20);
  const rows = await one.kysely.selectFrom("chain_addresses").select("address_index").orderBy("address_index")
    .execute();
  assertEquals(rows.map((row) => row.address_index), Array.from({ length: 20 }, (_, i) => i));
});

onEachDatabase("an order keeps its address; a search never takes an index back", async (database) => {
  assertEquals(await ask(database, "a")(offers()), null);
  await known(database, 3);
  const first = await ask(database, "a")(offers());
  assertEquals(first!.link, `bitcoin:${account.derive(3, "bcrt").address}?amount=0.0000005`);
  assertEquals(await ask(database, "a")(offers()), first);
  await known(database, 0);
  assertEquals((await ask(database, "b")(offers()))!.link.includes(account.derive(4, "bcrt").address), true);
});

onEachDatabase(
  "nothing is offered of another network, another merchant, or below the least",
  async (database) => {
    await known(database);
    assertEquals(await ask(database, "a", { network: "bc" })(offers()), null);
    assertEquals(await ask(database, "a")(offers({ network: "tb" })), null);
    assertEquals(await ask(database, "a")(offers({ network: null })), null);
    assertEquals(await ask(database, "a")(offers({ merchant: null })), null);
    assertEquals(await ask(database, "a", { amountMsat: 9_999n })(offers()), null);
    const few = offers({ gapLimit: 1 });
    assertEquals((await ask(database, "a")(few)) !== null, true);
    assertEquals([await ask(database, "b")(few), few.exhausted], [null, true]);
  },
);

onEachSharedDatabase("what is due is taken once, the newest first", async (shared) => {
  const [one, two] = [await shared.open(), await shared.open()];
  await known(one);
  for (let i = 0; i < 6; i++) {
    await one.transaction((tx) =>
      offers().link(tx, {
        merchant: MERCHANT,
        orderId: `o${i}`,
        amountMsat: 50_000n,
        network: "bcrt",
        now: i,
      })
    );
  }
  const take = (database: Database, now: number) =>
    database.transaction((tx) => claimDue(tx, { network: "bcrt", now, limit: 4, until: now + 100 }));
  const [first, second] = [await take(one, 4), await take(two, 4)];
  assertEquals(first.map((row) => row.order_id), ["o4", "o3", "o2", "o1"]);
  assertEquals(second.map((row) => row.order_id), ["o0"]);
  const both = await Promise.all([take(one, 200), take(two, 200)]);
  const all = both.flat().map((row) => row.order_id);
  assertEquals(new Set(all).size, all.length);
});
