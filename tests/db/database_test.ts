import { assert, assertEquals, assertRejects } from "@std/assert";
import { sql } from "kysely";
import type { Database } from "../../src/db/database.ts";
import { memoryDatabase } from "../support/database.ts";
import { onEachDatabase, onEachSharedDatabase, onPostgres, sqliteFile } from "../support/databases.ts";

async function banned(db: Database): Promise<string[]> {
  const rows = await db.kysely.selectFrom("bans").select("pubkey").orderBy("pubkey").execute();
  return rows.map((row) => row.pubkey);
}

function ban(db: Database, pubkey: string, fail = false): Promise<string> {
  return db.transaction(async (tx) => {
    await tx.insertInto("bans").values({ merchant: "m", pubkey, created_at: 1 }).execute();
    if (fail) throw new Error("no");
    return pubkey;
  });
}

onEachDatabase(
  "transaction() commits what resolves and rolls back only what throws, also in one group",
  async (db) => {
    const settled = await Promise.allSettled([ban(db, "a"), ban(db, "b", true), ban(db, "c"), ban(db, "a")]);
    const [a, b, c, again] = settled.map((one) => one.status);
    assertEquals([b, c], ["rejected", "fulfilled"]);
    // Which of two that do the same comes first is the database's to say.
    assertEquals([a, again].toSorted(), ["fulfilled", "rejected"]);
    await assertRejects(() => ban(db, "d", true), Error, "no");
    assertEquals(await ban(db, "e"), "e");
    assertEquals(await banned(db), ["a", "c", "e"]);
  },
);

onEachDatabase("many transactions at once all commit", async (db) => {
  const names = Array.from({ length: 200 }, (_, i) => `p${String(i).padStart(3, "0")}`);
  assertEquals(await Promise.all(names.map((name) => ban(db, name))), names);
  assertEquals(await banned(db), names);
});

Deno.test("on SQLite transactions that wait together share commits", async () => {
  await using db = await memoryDatabase();
  const turns: string[] = [];
  const one = (name: string) =>
    db.transaction((tx) => {
      turns.push(name);
      return sql`select 1`.execute(tx);
    }).then(() => turns.push(`${name} done`));
  await Promise.all([one("a"), one("b")]);
  assertEquals(turns, ["a", "b", "a done", "b done"]);
});

Deno.test("SQLite keeps what it puts aside in memory, not in files outside the data directory", async () => {
  await using file = await sqliteFile({ migrated: false });
  const db = await file.open();
  await sql`create table words (id integer primary key, text text)`.execute(db.kysely);
  const fill = (text: string) =>
    db.transaction(async (tx) => {
      const rows =
        sql`with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) select i from n`;
      await sql`insert into words select i, ${text} from (${rows}) where true
        on conflict do update set text = ${text}`.execute(tx);
      return openFiles().filter((name) => name.includes("etilqs"));
    });
  // Together they share a transaction: each overwrites pages that the one before has written.
  const put = await Promise.all(["a", "b", "c"].map((text) => fill(text.repeat(500))));
  assertEquals(put, [[], [], []]);
});

/** The names of this process's open files, also of those that are deleted already; none where the system doesn't tell. */
function openFiles(): string[] {
  const fds = "/proc/self/fd";
  if (Deno.build.os !== "linux") return [];
  return [...Deno.readDirSync(fds)].flatMap(({ name }) => {
    try {
      return [Deno.readLinkSync(`${fds}/${name}`)];
    } catch (error) {
      // Closed meanwhile.
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  });
}

Deno.test("on SQLite only a commit that nobody needs to outlive a power cut doesn't wait for the disk", async () => {
  await using db = await memoryDatabase();
  const waits = async (kysely: Database["kysely"]) => {
    const { rows } = await sql<{ synchronous: number }>`pragma synchronous`.execute(kysely);
    return rows[0]!.synchronous === 2;
  };
  const soon = { lasting: false };
  assertEquals(await db.transaction(waits), true);
  assertEquals(await db.transaction(waits, soon), false);
  assertEquals(await waits(db.kysely), true);
  // Whoever shares a commit with a fact waits with it.
  assertEquals(await Promise.all([db.transaction(waits, soon), db.transaction(waits)]), [true, true]);
  assertEquals(await Promise.all([db.transaction(waits, soon), db.transaction(waits, soon)]), [false, false]);
  await assertRejects(() => db.transaction(() => Promise.reject(new Error("no")), soon), Error, "no");
  assertEquals(await db.transaction(waits), true);
});

Deno.test("on SQLite a long row of transactions leaves timers their turn", async () => {
  await using db = await memoryDatabase();
  let over = false;
  let ticks = 0;
  const ticking = (async () => {
    for (; !over; ticks++) await new Promise((resolve) => setTimeout(resolve, 0));
  })();
  for (const end = performance.now() + 200; performance.now() < end;) {
    await db.transaction((tx) => sql`select 1`.execute(tx));
  }
  over = true;
  await ticking;
  assert(ticks > 5, `timers ran ${ticks} times in 200 ms`);
});

Deno.test("on SQLite a crowd of transactions leaves timers their turn", async () => {
  await using db = await memoryDatabase();
  let done = 0;
  const seen = new Set<number>();
  const ticking = (async () => {
    while (done < 400) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      seen.add(done);
    }
  })();
  const busy = () => {
    for (const end = performance.now() + 2; performance.now() < end;);
    return Promise.resolve();
  };
  await Promise.all(Array.from({ length: 400 }, () => db.transaction(busy).then(() => void done++)));
  await ticking;
  assert(seen.size > 8, `timers ran after ${[...seen]} of them`);
});

onEachDatabase("listen() is called after the commit, not after a rollback, until it is ended", async (db) => {
  const heard: string[][] = [];
  let heardAll = Promise.withResolvers<void>();
  const end = db.listen("event", (ids) => {
    heard.push(ids);
    heardAll.resolve();
  });
  await assertRejects(() =>
    db.transaction((tx) => {
      tx.wake("event", "never");
      return Promise.reject(new Error("no"));
    })
  );
  await db.transaction((tx) => {
    tx.wake("event", "1");
    tx.wake("event", "2");
    tx.wake("jobs");
    return Promise.resolve();
  });
  await heardAll.promise;
  assertEquals(heard, [["1", "2"]]);

  end();
  heardAll = Promise.withResolvers();
  db.listen("event", () => heardAll.resolve());
  await db.transaction((tx) => Promise.resolve(tx.wake("event", "3")));
  await heardAll.promise;
  assertEquals(heard.length, 1);
});

onEachDatabase("a listener may begin a transaction", async (db) => {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  db.listen("jobs", () => void ban(db, "from a listener").then(resolve, reject));
  await db.transaction((tx) => Promise.resolve(tx.wake("jobs")));
  assertEquals(await promise, "from a listener");
});

onPostgres("wake-ups reach other processes, in several notices when there are many", async (shared) => {
  const [db, other] = [await shared.open(), await shared.open()];
  const ids = Array.from({ length: 250 }, (_, i) => i.toString(16).padStart(64, "0"));
  const heard: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  other.listen("event", (some) => {
    heard.push(...some);
    if (heard.length === ids.length) resolve();
  });
  await db.transaction((tx) => Promise.resolve(ids.forEach((id) => tx.wake("event", id))));
  await promise;
  assertEquals(heard, ids);
});

onEachDatabase("the database itself can't be used inside a transaction", async (db) => {
  const message = "inside a transaction";
  await assertRejects(
    () => db.transaction(() => db.kysely.selectFrom("bans").selectAll().execute()),
    Error,
    message,
  );
  await assertRejects(() => db.transaction(() => db.transaction(() => Promise.resolve())), Error, message);
  assertEquals(await banned(db), []);
});

onEachDatabase(
  "64 bit integers are numbers, also as sums and counts; what doesn't fit is refused",
  async (db) => {
    const most = BigInt(Number.MAX_SAFE_INTEGER);
    const put = (n: bigint) =>
      db.transaction((tx) =>
        tx.insertInto("key_clocks").values({ pubkey: "p", scope: String(n), last_seconds: n }).execute()
      );
    await put(most);
    await put(-1n);
    const sums = await db.kysely.selectFrom("key_clocks").select(({ fn }) => [
      fn.max("last_seconds").as("max"),
      fn.sum<number>("last_seconds").as("sum"),
      fn.countAll<number>().as("count"),
    ]).executeTakeFirstOrThrow();
    assertEquals({ ...sums }, { max: Number(most), sum: Number(most) - 1, count: 2 });
    await put(most + 1n);
    await assertRejects(() => db.kysely.selectFrom("key_clocks").selectAll().execute(), RangeError);
  },
);

for (const code of ["40001", "40P01"]) {
  onPostgres(`a transaction that fails with ${code} runs again, at most five times`, async (shared) => {
    const db = await shared.open();
    const attempt = async (failures: number) => {
      let runs = 0;
      await db.transaction(async (tx) => {
        await tx.insertInto("bans").values({ merchant: "m", pubkey: `${code}-${failures}`, created_at: 1 })
          .execute();
        if (++runs > failures) return;
        await sql.raw(`do $$ begin raise exception 'again' using errcode = '${code}'; end $$`).execute(tx);
      }).catch((error) => assertEquals(error.code, code));
      return runs;
    };
    assertEquals(await attempt(4), 5);
    assertEquals(await attempt(5), 5);
    assertEquals(await banned(db), [`${code}-4`]);
  });
}

onPostgres("two transactions that lock each other out both come through", async (shared) => {
  const db = await shared.open();
  await ban(db, "a");
  await ban(db, "b");
  const both = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const touch = (order: string[], me: number) =>
    db.transaction(async (tx) => {
      for (const pubkey of order) {
        await tx.updateTable("bans").set((eb) => ({ created_at: eb("created_at", "+", 1) })).where(
          "pubkey",
          "=",
          pubkey,
        ).execute();
        both[me]!.resolve();
        await both[1 - me]!.promise;
      }
    });
  await Promise.all([touch(["a", "b"], 0), touch(["b", "a"], 1)]);
  const rows = await db.kysely.selectFrom("bans").select("created_at").execute();
  assertEquals(rows.map((row) => row.created_at), [3, 3]);
});

onEachSharedDatabase("two connections that write at the same time wait for each other", async (shared) => {
  const databases = [await shared.open(), await shared.open()];
  const began = performance.now();
  await Promise.all(databases.map(async (db, i) => {
    for (let n = 0; n < 10; n++) {
      await db.transaction(async (tx) => {
        // A read first: a deferred transaction could not become a writer any more after the other one's commit.
        await tx.selectFrom("bans").selectAll().execute();
        await new Promise((resolve) => setTimeout(resolve, 1));
        await tx.insertInto("bans").values({ merchant: "m", pubkey: `${i}-${n}`, created_at: 1 }).execute();
      });
    }
  }));
  assertEquals((await banned(databases[0]!)).length, 20);
  // The one that waits must leave the other its turn.
  assert(performance.now() - began < 4_000, "they stood still");
});
