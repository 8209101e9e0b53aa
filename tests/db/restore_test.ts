import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { migrations } from "../../migrations/mod.ts";
import { copySqlite } from "../../src/db/backup.ts";
import { migrate } from "../../src/db/migrator.ts";
import { openDatabase } from "../../src/db/open.ts";
import { type Files, RestoreError, restoreSqlite } from "../../src/db/restore.ts";
import { DatabaseInUseError, lockDatabaseFile } from "../../src/db/sole_lock.ts";

const NOW = Date.parse("2026-11-21T12:00:00Z");

/** A data folder whose database says "later", with a backup of when it said "earlier". */
async function place(): Promise<{ dir: string; target: string; backup: string } & AsyncDisposable> {
  const dir = await Deno.makeTempDir({ prefix: "ncc-restore-" });
  const target = `${dir}/ncc.db`;
  const backup = `${dir}/backup.db`;
  await says(dir, "earlier");
  await copySqlite(target, backup);
  await says(dir, "later");
  return { dir, target, backup, [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }) };
}

async function says(dir: string, value: string): Promise<void> {
  const database = await openDatabase(null, dir);
  await migrate(database, migrations);
  await database.transaction(async (tx) => {
    await tx.insertInto("settings").values({ name: "word", value, updated_at: NOW })
      .onConflict((on) => on.column("name").doUpdateSet({ value })).execute();
  });
  await database.close();
}

async function word(dir: string): Promise<string> {
  const database = await openDatabase(null, dir);
  try {
    return (await database.kysely.selectFrom("settings").select("value").where("name", "=", "word")
      .executeTakeFirstOrThrow()).value;
  } finally {
    await database.close();
  }
}

function wordIn(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return String(database.prepare("select value from settings where name = 'word'").get()!.value);
  } finally {
    database.close();
  }
}

function restoring(it: { target: string; backup: string }, more: { files?: Files; file?: string } = {}) {
  return restoreSqlite({
    file: it.backup,
    target: it.target,
    now: NOW,
    migrations,
    prepare: () => Promise.resolve("prepared"),
    ...more,
  });
}

Deno.test("a restored backup stands in the database's place, and the database of before beside it", async () => {
  await using it = await place();
  const { kept, found } = await restoring(it);
  assertEquals(found, "prepared");
  assertEquals(kept, `${it.target}.before-restore-20261121T120000Z`);
  assertEquals(await word(it.dir), "earlier");
  assertEquals(wordIn(kept!), "later");
  assertEquals((await Deno.stat(it.target)).mode! & 0o777, 0o600);
});

Deno.test("what was committed and not yet in the main file is kept with it", async () => {
  await using it = await place();
  // Like a killed server: its log holds what the file doesn't have yet.
  const open = new DatabaseSync(it.target);
  open.exec("pragma journal_mode = wal; pragma wal_autocheckpoint = 0; update settings set value = 'last'");
  for (const end of ["", "-wal", "-shm"]) await Deno.copyFile(`${it.target}${end}`, `${it.dir}/copy${end}`);
  open.close();
  for (const end of ["", "-wal", "-shm"]) await Deno.rename(`${it.dir}/copy${end}`, `${it.target}${end}`);
  const { kept } = await restoring(it);
  assertEquals(await word(it.dir), "earlier");
  assertEquals(wordIn(kept!), "last");
});

Deno.test("a restore that ends at any step leaves the database of before, or is completed by the next start", async () => {
  for (let steps = 0, done = false; !done; steps++) {
    await using it = await place();
    let left = steps;
    const step = () => {
      if (left-- === 0) throw new Error("killed");
    };
    const files: Files = {
      move(from, to) {
        step();
        try {
          Deno.renameSync(from, to);
          return true;
        } catch (error) {
          if (error instanceof Deno.errors.NotFound) return false;
          throw error;
        }
      },
      remove(path) {
        step();
        if (path.endsWith("-shm")) Deno.removeSync(path, { recursive: false });
      },
    };
    try {
      await Deno.writeTextFile(`${it.target}-shm`, "");
      await restoring(it, { files });
      done = true;
    } catch (error) {
      assertEquals((error as Error).message, "killed");
    }
    assertEquals(await word(it.dir), "earlier", `after ${steps} steps`);
    assertEquals(wordIn(`${it.target}.before-restore-20261121T120000Z`), "later");
    assert(steps < 10);
  }
});

Deno.test("an end before the decision leaves the database of before", async () => {
  await using it = await place();
  const prepare = () => Promise.reject(new Error("killed"));
  await assertRejects(() =>
    restoreSqlite({ file: it.backup, target: it.target, now: NOW, migrations, prepare })
  );
  assertEquals(await word(it.dir), "later");
  await restoring(it);
  assertEquals(await word(it.dir), "earlier");
});

Deno.test("nothing is restored while a server runs, from a damaged file, another program's, or a newer version's", async () => {
  await using it = await place();
  {
    using _lock = lockDatabaseFile(it.target)!;
    await assertRejects(() => restoring(it), DatabaseInUseError, "Stop it first");
  }
  const bytes = await Deno.readFile(it.backup);
  bytes.fill(7, 4096 * 3, 4096 * 5);
  await Deno.writeFile(`${it.dir}/damaged.db`, bytes);
  await assertRejects(
    () => restoring(it, { file: `${it.dir}/damaged.db` }),
    RestoreError,
    "can't be restored",
  );
  const other = new DatabaseSync(`${it.dir}/other.db`);
  other.exec("create table songs (name text)");
  other.close();
  await assertRejects(
    () => restoring(it, { file: `${it.dir}/other.db` }),
    RestoreError,
    "no database of ncc",
  );
  const newer = new DatabaseSync(it.backup);
  newer.exec("insert into kysely_migration values ('9999_later', '2030-01-01')");
  newer.close();
  await assertRejects(() => restoring(it), RestoreError, "newer version");
  await assertRejects(
    () => restoring(it, { file: `${it.dir}/nothing.db` }),
    RestoreError,
    "There is no file",
  );
  assertEquals(await word(it.dir), "later");
});
