import type { KyselyPlugin, RootOperationNode } from "kysely";
import { sql } from "kysely";
import type { Database } from "../../src/db/database.ts";

/** Keeps what is asked of a database, as it is asked. */
export class Asked implements KyselyPlugin {
  readonly nodes: RootOperationNode[] = [];

  transformQuery({ node }: { node: RootOperationNode }): RootOperationNode {
    this.nodes.push(node);
    return node;
  }

  transformResult<T>({ result }: { result: T }): Promise<T> {
    return Promise.resolve(result);
  }
}

/** How the database goes about a question, in its own words, knowing what its tables hold now. */
export async function planOf(db: Database, node: RootOperationNode): Promise<string> {
  if (db.dialect === "postgres") await sql`analyze`.execute(db.kysely);
  const query = db.kysely.getExecutor().compileQuery(node, { queryId: "plan" });
  const how = db.dialect === "postgres" ? "explain" : "explain query plan";
  const { rows } = await db.kysely.executeQuery({ ...query, sql: `${how} ${query.sql}` });
  if (rows.length === 0) throw new Error(`no plan of ${query.sql}`);
  return JSON.stringify(rows);
}
