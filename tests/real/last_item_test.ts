import { assertEquals } from "@std/assert";
import { onPostgres } from "../support/databases.ts";
import { Cluster, orderOf, until } from "./shop_cluster.ts";

const CUSTOMERS = 200;
/** A busy machine's; on a quiet one each step takes some seconds. */
const PATIENCE_MS = 150_000;

/** Everybody wants the last one; who gets it, how long it took, and what the shelf says then. */
async function race(processes: number, database: string | null): Promise<void> {
  await using cluster = await Cluster.start(processes, { database });
  await cluster.product("last", 1);
  const events = await customers(cluster);
  const began = performance.now();
  await cluster.send(events);
  await until("every order has its answer", PATIENCE_MS, async () => {
    const orders = await cluster.orders();
    return orders.length === CUSTOMERS && orders.every((order) => order.payment !== "quoting");
  });
  const ms = performance.now() - began;
  const states = Map.groupBy(await cluster.orders(), (order) => order.payment);
  print(`${CUSTOMERS} customers, ${database === null ? "SQLite" : "PostgreSQL"}, ${processes} processes`, ms);
  assertEquals([states.get("awaiting")?.length, states.get("rejected")?.length], [1, CUSTOMERS - 1]);
  const { quantity, held } = await cluster.stock("last");
  assertEquals([quantity, held], [1, 1]);
}

function customers(cluster: Cluster) {
  return Promise.all(Array.from({ length: CUSTOMERS }, () => orderOf(cluster.merchant, "last")));
}

function print(what: string, ms: number): void {
  // deno-lint-ignore no-console -- the figures are what the race is run for
  console.log(`${what}: ${ms.toFixed(0)} ms`);
}

Deno.test(`the last one, ordered by ${CUSTOMERS} customers at once from a real process: one gets it (sqlite)`, async () => {
  await race(1, null);
});

onPostgres(
  `the last one, ordered by ${CUSTOMERS} customers at once from a real process: one gets it`,
  async (shared) => {
    await race(1, shared.url);
  },
);

onPostgres(
  `the last one, ordered by ${CUSTOMERS} customers at once from four real processes: one gets it`,
  async (shared) => {
    await race(4, shared.url);
  },
);

onPostgres(
  `the last one without holds, paid by ${CUSTOMERS} customers at once at four real processes: one gets it, the others their money`,
  async (shared) => {
    await using cluster = await Cluster.start(4, {
      database: shared.url,
      settings: { NCC_STOCK_POLICY: "onpay" },
    });
    await cluster.product("last", 1);
    await cluster.send(await customers(cluster));
    await until("every order has its invoice", PATIENCE_MS, async () => {
      const orders = await cluster.orders();
      return orders.length === CUSTOMERS && orders.every((order) => order.payment === "awaiting");
    });
    assertEquals((await cluster.stock("last")).held, 0);
    const links = (await cluster.orders()).map(({ invoices }) =>
      invoices.find(({ state }) => state === "open")!.bolt11!
    );
    const began = performance.now();
    await Promise.all(links.map((link) => cluster.pay(link)));
    await until(
      "every payment is booked",
      PATIENCE_MS,
      async () => (await cluster.orders()).every((order) => order.payment !== "awaiting"),
    );
    print(`${CUSTOMERS} payments for the last one, PostgreSQL, 4 processes`, performance.now() - began);
    const orders = await cluster.orders();
    const states = Map.groupBy(orders, (order) => order.payment);
    assertEquals([states.get("paid")?.length, states.get("refund_due")?.length], [1, CUSTOMERS - 1]);
    assertEquals(new Set(orders.map((order) => order.received_msat)), new Set(["100000"]));
    const { quantity, held } = await cluster.stock("last");
    assertEquals([quantity, held], [0, 0]);
    const database = await shared.open();
    const { kysely } = database;
    const refunds = await kysely.selectFrom("refunds").select(["order_id", "amount_msat"]).execute();
    assertEquals(refunds.length, CUSTOMERS - 1);
    assertEquals(new Set(refunds.map((refund) => refund.order_id)).size, CUSTOMERS - 1);
    assertEquals((await kysely.selectFrom("payments").select("id").execute()).length, CUSTOMERS);
  },
);
