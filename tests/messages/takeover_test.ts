import { assertEquals } from "@std/assert";
import { nextToRead } from "../../src/messages/lanes_store.ts";
import { onEachSharedDatabase } from "../support/databases.ts";
import { orderJson } from "../support/customer.ts";
import { recordingLog } from "../support/log.ts";
import { Shop } from "../support/shop.ts";

/** Two processes that both believe they may read: one stalled, and its lease ran out. */
async function twoReaders(
  shared: Parameters<Parameters<typeof onEachSharedDatabase>[1]>[0],
): Promise<[Shop, Shop]> {
  const first = await Shop.open({ database: await shared.open() });
  const second = await first.another({
    database: shared.dialect === "postgres" ? await shared.open() : first.database,
  });
  for (const shop of [first, second]) await shop.inbox.stop();
  return [first, second];
}

onEachSharedDatabase("two processes that decide the same messages decide each once", async (shared) => {
  const [first, second] = await twoReaders(shared);
  await using _first = first;
  await using _second = second;
  const alice = first.customer();
  for (const id of ["1", "2", "3"]) await alice.writes(orderJson({ id }));
  const rows = await nextToRead(first.database.kysely, {
    now: first.clock.now(),
    limit: 10,
    strangers: 10,
    except: [],
  });
  await Promise.all([first.batch.work(rows), second.batch.work(rows)]);
  await first.settle();
  assertEquals((await alice.hears()).map((answer) => answer.type), [1, 1, 1]);
  const orders = await first.orders();
  assertEquals(orders.map((order) => order.customer_order_id).sort(), ["1", "2", "3"]);
  assertEquals(await first.stock(), { onHand: 5, held: 3 });
  const kept = await first.database.kysely.selectFrom("messages").select("seq").where("direction", "=", "in")
    .execute();
  assertEquals(kept.length, 3);
});

onEachSharedDatabase(
  "two processes that take the same new order in two messages: one order, one repeat",
  async (shared) => {
    const [first, second] = await twoReaders(shared);
    await using _first = first;
    await using _second = second;
    const alice = first.customer();
    for (let i = 0; i < 2; i++) {
      await alice.writes(orderJson(), {
        at: Math.floor(first.clock.now() / 1000) + i,
      });
    }
    const [one, two] = await nextToRead(first.database.kysely, {
      now: first.clock.now(),
      limit: 10,
      strangers: 10,
      except: [],
    });
    await Promise.all([first.batch.work([one!]), second.batch.work([two!])]);
    await first.settle();
    // One answer, or the same again where the invoice was quicker than the repeat.
    const links = (await alice.hears()).map((answer) => answer.payment_options![0]!.link);
    assertEquals(new Set(links).size, 1);
    assertEquals((await first.orders()).length, 1);
    assertEquals(await first.stock(), { onHand: 5, held: 1 });
    const inbox = await first.database.kysely.selectFrom("inbox").select("state").execute();
    assertEquals(inbox.map((row) => row.state), ["done", "done"]);
  },
);

onEachSharedDatabase(
  "two processes that open the same rumor in two wraps: one message, no fault",
  async (shared) => {
    const { log, lines } = recordingLog();
    const first = await Shop.open({ database: await shared.open(), log });
    const second = await first.another({
      database: shared.dialect === "postgres" ? await shared.open() : first.database,
    });
    await using _first = first;
    await using _second = second;
    for (const shop of [first, second]) await shop.inbox.stop();
    const alice = first.customer("alice", "nip17");
    for (let i = 0; i < 2; i++) await alice.writes("Is it dishwasher-proof?", { at: 1_767_225_600 });
    const [one, two] = await nextToRead(first.database.kysely, {
      now: first.clock.now(),
      limit: 10,
      strangers: 10,
      except: [],
    });
    await Promise.all([first.batch.work([one!]), second.batch.work([two!])]);
    const inbox = await first.database.kysely.selectFrom("inbox").select("state").execute();
    assertEquals(inbox.map((row) => row.state).sort(), ["done", "dropped"]);
    assertEquals(lines.filter((line) => line.level === "error"), []);
  },
);
