import { assertEquals } from "@std/assert";
import { onPostgres } from "../support/databases.ts";
import { Cluster, orderOf, until } from "./shop_cluster.ts";

const CUSTOMERS = 200;
const PATIENCE_MS = 60_000;

/** Everybody wants the last one; who gets it, how long it took, and what the shelf says then. */
async function race(processes: number, database: string | null): Promise<void> {
  await using cluster = await Cluster.start(processes, { database });
  await cluster.product("last", 1);
  const events = await Promise.all(
    Array.from({ length: CUSTOMERS }, () => orderOf(cluster.merchant, "last")),
  );
  const began = performance.now();
  await cluster.send(events);
  await until("every order has its answer", PATIENCE_MS, async () => {
    const orders = await cluster.orders();
    return orders.length === CUSTOMERS && orders.every((order) => order.payment !== "quoting");
  });
  const ms = performance.now() - began;
  const states = Map.groupBy(await cluster.orders(), (order) => order.payment);
  // deno-lint-ignore no-console -- the figures are what the race is run for
  console.log(
    `${CUSTOMERS} customers, ${database === null ? "SQLite" : "PostgreSQL"}, ${processes} processes: ${
      ms.toFixed(0)
    } ms`,
  );
  assertEquals([states.get("awaiting")?.length, states.get("rejected")?.length], [1, CUSTOMERS - 1]);
  const { quantity, held } = await cluster.stock("last");
  assertEquals([quantity, held], [1, 1]);
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
