import { Kysely, sql } from "kysely";
import { PostgresJSDialect } from "kysely-postgres-js";
import postgres from "postgres";
import type { Database, Listener, Topic, Tx } from "./database.ts";
import { StorageState } from "./storage_state.ts";
import type { Tables } from "./tables.ts";
import { TransactionGuard } from "./transaction_guard.ts";
import { wake, WakeUps, type Woken } from "./wake_ups.ts";

const CONNECTIONS = 10;
const TRIES = 5;
/** `serialization_failure`, `deadlock_detected`: the whole transaction may run again. */
const AGAIN = new Set(["40001", "40P01"]);
const CHANNEL = "ncc";
/** PostgreSQL refuses notifications of 8000 bytes; longer lists are split. */
const NOTIFY_IDS = 100;
/** Queries under way may end for so long when the database is closed. */
const END_SECONDS = 3;

/** Opens a PostgreSQL database by its URL. Several processes may do so at once. */
export async function openPostgres(url: string): Promise<Database> {
  const pool = postgres(url, {
    max: CONNECTIONS,
    connect_timeout: 10,
    onnotice: () => {},
    types: {
      int8: { to: 20, from: [20], parse: safeInteger, serialize: String },
      // What `sum()` of 64 bit integers gives; no column has this type.
      numeric: { to: 1700, from: [1700], parse: safeNumber, serialize: String },
    },
  });
  const kysely = new Kysely<Tables>({ dialect: new PostgresJSDialect({ postgres: pool }) });
  const wakeUps = new WakeUps();
  try {
    await pool.listen(CHANNEL, (text) => wakeUps.tell(parseNotice(text)));
  } catch (error) {
    await pool.end();
    throw error;
  }
  return new PostgresDatabase(kysely, wakeUps, () => pool.end({ timeout: END_SECONDS }));
}

/** 64 bit integers come as text; what doesn't fit a number must not be rounded. */
function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`the database holds ${text}, which is beyond 2^53`);
  return value;
}

function safeNumber(text: string): number {
  return text.includes(".") ? Number(text) : safeInteger(text);
}

class PostgresDatabase implements Database {
  readonly dialect = "postgres";
  readonly storage = new StorageState();
  readonly #kysely: Kysely<Tables>;
  readonly #wakeUps: WakeUps;
  readonly #end: () => Promise<void>;
  readonly #guard = new TransactionGuard();

  constructor(kysely: Kysely<Tables>, wakeUps: WakeUps, end: () => Promise<void>) {
    this.#kysely = kysely;
    this.#wakeUps = wakeUps;
    this.#end = end;
  }

  get kysely(): Kysely<Tables> {
    this.#guard.check();
    return this.#kysely;
  }

  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    this.#guard.check();
    for (let attempt = 1;; attempt++) {
      try {
        const value = await this.#once(work);
        this.storage.committed();
        return value;
      } catch (error) {
        this.storage.note(error);
        if (attempt >= TRIES || !AGAIN.has((error as { code?: string }).code ?? "")) throw error;
      }
    }
  }

  listen(topic: Topic, listener: Listener): () => void {
    return this.#wakeUps.listen(topic, listener);
  }

  async close(): Promise<void> {
    // Kysely itself would wait for ever for a connection whose query is under way, and ends only a pool that it has used.
    await this.#end();
    await this.#kysely.destroy();
  }

  #once<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#kysely.transaction().execute(async (trx) => {
      const woken: Woken = new Map();
      const tx: Tx = Object.assign(trx, {
        dialect: "postgres" as const,
        wake: (topic: Topic, payload?: string) => wake(woken, topic, payload),
      });
      const value = await this.#guard.run(() => work(tx));
      // Part of the transaction: delivered at commit, to this process too.
      if (woken.size > 0) {
        const calls = [...notices(woken)].map((notice) => sql`pg_notify(${CHANNEL}, ${notice})`);
        await sql`select ${sql.join(calls)}`.execute(trx);
      }
      return value;
    });
  }
}

function* notices(woken: Woken): Iterable<string> {
  for (const [topic, payloads] of woken) {
    for (let i = 0; i === 0 || i < payloads.length; i += NOTIFY_IDS) {
      yield [topic, ...payloads.slice(i, i + NOTIFY_IDS)].join(" ");
    }
  }
}

function parseNotice(text: string): Woken {
  const [topic, ...payloads] = text.split(" ");
  return new Map([[topic as Topic, payloads]]);
}
