import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import postgres from "postgres";

/**
 * Every table of a shop's database with all its rows as text, whoever may read them. PostgreSQL's own log of commits (WAL) and
 * pages that it has not given back yet are its server's: no client reads them, and backups there are pg_dump's, which hold
 * these rows and no more. SQLite's files are ours, and searched byte by byte elsewhere.
 */
export function tablesOf(o: { database: string | null; dataDir: string }): Promise<[string, string][]> {
  return o.database === null
    ? Promise.resolve(sqliteTables(join(o.dataDir, "ncc.db")))
    : postgresTables(o.database);
}

/** The same of one SQLite file. */
export function sqliteTables(path: string): [string, string][] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const names = database.prepare(
      "select name from sqlite_master where type = 'table' and name not like 'nostr_search%'",
    ).all();
    return names.map(({ name }) => [
      String(name),
      JSON.stringify(database.prepare(`select * from "${String(name)}"`).all()),
    ]);
  } finally {
    database.close();
  }
}

async function postgresTables(url: string): Promise<[string, string][]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const names = await sql`
      select relname as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
      where relkind in ('r', 'p', 'm') and nspname not in ('pg_catalog', 'information_schema')`;
    const found: [string, string][] = [];
    for (const { name } of names) {
      const [row] = await sql`select coalesce(json_agg(t), '[]')::text as rows from ${sql(String(name))} t`;
      found.push([String(name), String(row!.rows)]);
    }
    return found;
  } finally {
    await sql.end();
  }
}

/** A file's bytes, each as one character. */
export async function bytesOf(path: string): Promise<string> {
  return new TextDecoder("latin1").decode(await Deno.readFile(path));
}
