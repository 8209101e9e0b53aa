import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { listBackups, OURS } from "./backups.ts";

/**
 * SQLite files beside the database that hold something of this customer: backups, and the databases that were put aside by
 * a restore. A file that can't be read is named too: nobody knows what it holds.
 */
export async function backupsWith(
  dataDir: string,
  who: { merchant: string; customer: string },
): Promise<string[]> {
  const files = [
    ...(await listBackups(dataDir)).map((backup) => backup.path),
    ...await putAside(dataDir),
  ];
  return files.filter((path) => holds(path, who));
}

/**
 * Removes backups that this program named, and databases put aside by a restore, that were made before `before` (ms); answers
 * their names.
 */
export async function removeOldCopies(dataDir: string, before: number): Promise<string[]> {
  const ours = (await listBackups(dataDir)).filter(({ name }) => OURS.test(name));
  const old = ours.filter(({ at }) => at < before).map(({ path }) => path);
  for (const path of await putAside(dataDir)) {
    const { mtime } = await Deno.stat(path);
    if (mtime !== null && mtime.getTime() < before) old.push(path);
  }
  for (const path of old) await removeCopy(path);
  return old.map((path) => basename(path));
}

/** Removes a copy and, if there are any, the files that SQLite keeps beside it. */
export async function removeCopy(path: string): Promise<void> {
  for (const end of ["-wal", "-journal", "-shm", ""]) {
    try {
      await Deno.remove(path + end);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/** `ncc.db.before-restore-<time>`. */
async function putAside(dataDir: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(dataDir)) {
      if (isFile && PUT_ASIDE.test(name)) found.push(join(dataDir, name));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}

const PUT_ASIDE = /\.before-restore-\d{8}T\d{6}Z$/;

function holds(path: string, { merchant, customer }: { merchant: string; customer: string }): boolean {
  let file: DatabaseSync;
  try {
    file = new DatabaseSync(path, { readOnly: true });
  } catch {
    return true; // unreadable: it may
  }
  try {
    const one = (sql: string) => file.prepare(sql).get(merchant, customer) !== undefined;
    return one("select 1 from messages where merchant = ? and customer = ? limit 1") ||
      one(
        "select 1 from orders where merchant = ? and customer = ? and (name is not null or address is not null or message is not null or contact <> '{}') limit 1",
      );
  } catch {
    return true; // another schema, or damaged: it may
  } finally {
    file.close();
  }
}
