import { assert, assertEquals } from "@std/assert";
import { onPostgres } from "../support/databases.ts";
import { Cluster, orderOf, until } from "./shop_cluster.ts";

const BEFORE = 60;
const AFTER = 20;
const WITHIN_MS = 10_000;

onPostgres(
  "a process that is killed in the middle of orders: another has answered every customer within 10 s, nothing twice",
  async (shared) => {
    await using cluster = await Cluster.start(2, { database: shared.url });
    await cluster.product("cup", 1_000);
    // The first that started reads the inbox.
    const make = (count: number) =>
      Promise.all(Array.from({ length: count }, () => orderOf(cluster.merchant, "cup")));
    const [before, after] = [await make(BEFORE), await make(AFTER)];
    const sent = cluster.send(before);
    await until("some orders are taken", 30_000, async () => (await cluster.orders()).length >= 5);
    await sent;
    await cluster.kill(0);
    const killed = performance.now();
    await cluster.send(after);
    const all = BEFORE + AFTER;
    const database = await shared.open();
    const answers = async () =>
      Number(
        (await database.kysely.selectFrom("messages").select((eb) => eb.fn.countAll().as("n"))
          .where("direction", "=", "out").executeTakeFirstOrThrow()).n,
      );
    await until(
      "every customer has an answer",
      WITHIN_MS - (performance.now() - killed),
      async () => await answers() >= all,
    ).catch(async (error) => {
      throw new Error(`${error}: ${await answers()} of ${all}; ${(await cluster.log()).slice(-1500)}`);
    });
    const ms = performance.now() - killed;
    // deno-lint-ignore no-console -- the figure is what the test is run for
    console.log(
      `${all} orders, ${BEFORE} of them before the kill: all answered ${ms.toFixed(0)} ms after it`,
    );
    const orders = await cluster.orders();
    assertEquals(orders.map((order) => order.payment), Array(all).fill("awaiting"));
    assertEquals(await answers(), all);
    const { held } = await cluster.stock("cup");
    assertEquals(held, all);
    const invoices = await database.kysely.selectFrom("invoices").select("order_id")
      .where("state", "=", "open").execute();
    assertEquals(new Set(invoices.map((row) => row.order_id)).size, invoices.length);
    const leases = await database.kysely.selectFrom("leases").select("name").execute();
    assertEquals(leases.filter(({ name }) => name.startsWith("process:")).length, 1);
    assert((await cluster.log()).includes("heartbeat.taken_over"));
  },
);
