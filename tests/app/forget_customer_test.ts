import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { forgetCustomer } from "../../src/app/forget_customer.ts";
import { Retention } from "../../src/app/retention.ts";
import { backUpSqlite } from "../../src/db/backup.ts";
import { requestIn } from "../support/customer.ts";
import { memoryDatabase } from "../support/database.ts";
import { onEachSharedDatabase, type SharedDatabase } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";
import { Shop } from "../support/shop.ts";

const CANARY = "9 Forgotten Lane Canary";

/** Everything that stands in the database's files, freed pages and the log of commits included. */
async function bytes(shared: SharedDatabase): Promise<string> {
  const found: string[] = [];
  for (const end of ["", "-wal"]) {
    found.push(new TextDecoder("latin1").decode(await Deno.readFile(shared.url + end)));
  }
  return found.join("");
}

onEachSharedDatabase("a customer is forgotten at once, once nothing is open any more", async (shared) => {
  const database = await shared.open();
  const shop = await Shop.open({ database });
  await using _ = shop;
  const dir = await Deno.makeTempDir({ prefix: "ncc-test-" });
  try {
    const parts = { database, clock: shop.clock, settings: { NCC_DATA_DIR: dir } };
    const alice = shop.customer("alice", "nip17");
    const bob = shop.customer("bob");
    const who = { merchant: shop.merchant, customer: alice.pubkey };
    const forget = async () => {
      const done = await forgetCustomer(parts, who, { backups: false });
      return done.ok ? `${done.forgotten.orders} ${done.forgotten.messages}` : done.reason;
    };
    const request = requestIn(await alice.orders({ address: CANARY, message: "x".repeat(9_000) + CANARY }));
    await bob.orders({ address: "Bob's own road" });
    assertStringIncludes(await forget(), "is open: cancel it");
    await alice.pays(request);
    assertStringIncludes(await forget(), "is paid and not shipped: ship it");
    const row = (await shop.orders()).find((one) => one.customer === alice.pubkey)!;
    await shop.happens(row, { type: "shipped", carrier: null, tracking: CANARY });
    // The same rumor in another wrap: nobody's message, but her words.
    await alice.writes(CANARY);
    await shop.settle();
    if (shared.dialect === "sqlite") {
      assertStringIncludes(await bytes(shared), CANARY);
      await Deno.mkdir(join(dir, "backups"));
      await backUpSqlite(database, join(dir, "backups", "mine.db"));
    }

    const done = await forgetCustomer(parts, who, { backups: false });
    assert(done.ok);
    assertEquals([done.forgotten.orders, done.forgotten.wiped], [1, true]);
    assert(done.forgotten.messages >= 4);
    const left = await database.kysely.selectFrom("orders").selectAll().where("id", "=", row.id)
      .executeTakeFirstOrThrow();
    assertEquals([left.address, left.message, left.tracking, left.total_msat], [null, null, null, 100_000]);
    assertEquals(
      await database.kysely.selectFrom("inbox").select("seq").where("sender", "=", alice.pubkey)
        .where("event", "!=", "").execute(),
      [],
    );
    const theirs = (await shop.orders()).find((one) => one.customer === bob.pubkey)!;
    assertEquals(theirs.address, "Bob's own road");
    assertEquals(await forget(), "0 0");
    if (shared.dialect !== "sqlite") return;

    const text = await bytes(shared);
    assert(!text.includes(CANARY), "it still stands in the file");
    assert(text.includes("Bob's own road"));
    const path = join(dir, "backups", "mine.db");
    assertEquals(done.forgotten.backups, [path]);
    const again = await forgetCustomer(parts, who, { backups: true });
    assert(again.ok);
    assertEquals([again.forgotten.backups, again.forgotten.removedBackups], [[], [path]]);
    assertEquals([...Deno.readDirSync(join(dir, "backups"))], []);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

// A PostgreSQL's backups aren't ours.
Deno.test("backups older than the retention go; what has another name stays", async () => {
  const dir = await Deno.makeTempDir({ prefix: "ncc-test-" });
  await using database = await memoryDatabase();
  const clock = new FakeClock();
  try {
    await Deno.mkdir(join(dir, "backups"));
    const old = (clock.now() - 91 * 24 * 3_600_000) / 1000;
    const young = (clock.now() - 3_600_000) / 1000;
    const names: [string, number][] = [
      ["backups/ncc-20250101T000000Z.db", old],
      ["backups/ncc.db-before-migration-20250101T000000Z", old],
      ["backups/ncc-20261101T000000Z.db", young],
      ["backups/by-hand.db", old],
      ["ncc.db.before-restore-20250101T000000Z", old],
      ["ncc.db.before-restore-20250101T000000Z-wal", old],
    ];
    for (const [name, at] of names) {
      await Deno.writeTextFile(join(dir, name), "x");
      await Deno.utime(join(dir, name), at, at);
    }
    const settings = { NCC_RETENTION_DAYS: 90, NCC_DATA_DIR: dir };
    await new Retention({ database, clock, log: silentLog, settings }).run();
    const left = names.map(([name]) => name).filter((name) => {
      try {
        return Deno.statSync(join(dir, name)).isFile;
      } catch {
        return false;
      }
    });
    assertEquals(left, ["backups/ncc-20261101T000000Z.db", "backups/by-hand.db"]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
